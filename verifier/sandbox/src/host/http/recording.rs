//! Where a recording is made, and where one stands in for the network: `--record`, `--replay`. sandbox.md 15a, "Cassettes".
//!
//! One hop at a time, redirects included, so that a replayed run passes the same gates as a real one. Neither side ever
//! sees what the host injected.

/// One hop as the guest asked for it: no injected header, no header the client adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// As it is sent.
    pub method: String,
    /// The URL that is dialled.
    pub url: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Empty means none.
    pub body: Vec<u8>,
}

/// One answer, its body decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedResponse {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names. Only `location` means anything to a replay.
    pub headers: Vec<(String, String)>,
    /// As the guest reads it.
    pub body: Vec<u8>,
}

/// Stands in the place of the network.
pub trait Recording: Send + Sync {
    /// The answer to this hop.
    ///
    /// # Errors
    /// Why there is none, for people: the guest's call fails with it.
    fn answer(&self, sent: &RecordedRequest) -> Result<RecordedResponse, String>;
}

/// Is handed every completed hop, secrets already replaced.
pub trait Recorder: Send + Sync {
    /// One hop and its answer. The body of a redirect that was followed is not read, and empty here.
    fn record(&self, sent: RecordedRequest, answered: RecordedResponse);
}
