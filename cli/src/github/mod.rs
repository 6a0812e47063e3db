//! One GitHub for publisher and consumer: where it is, with which token it is asked, what may be asked when, and what an
//! answer means. GitHub Enterprise is the same at other addresses.
//!
//! ```text
//! publisher ─► Client: octocrab's typed requests ─► budget ─► log ─► Server: the network, or a fake of GitHub
//! consumer  ─► Reader: anonymous first, 404 → token ─► sys::http
//! ```
//!
//! | file | |
//! |---|---|
//! | `addresses`, `token` | where GitHub is and with which token, from the environment, in one order |
//! | `gate` | where the token may go; pure |
//! | `limits`, `budget`, `seconds` | how much GitHub allows, when the next request may leave, how long a header asks to wait; pure |
//! | `classify`, `permission` | what an answer means, what a token lacks; pure |
//! | `documents` | octocrab's models, and what they and its requests lack |
//! | `server` | who answers |
//! | `typed` | octocrab over a transport of ours |
//! | `log` | what is written down of each request |
//! | `client` | requests of one run, paced, waited for and written down |
//! | `settings` | what a repository's settings say, and the secrets of its workflows |
//! | `reader` | what anybody may read, and a private repository with a token |
//!
//! May not come in: what a release of ours is, the wings, clap.

pub mod addresses;
pub mod budget;
pub mod classify;
pub mod client;
pub mod documents;
mod error;
mod gate;
pub mod limits;
mod log;
mod permission;
pub mod reader;
mod seconds;
pub mod server;
pub mod settings;
pub mod token;
mod typed;

pub use self::addresses::Addresses;
pub use self::classify::ApiRefusal;
pub use self::client::{Client, WaitPolicy};
pub use self::error::{ApiError, if_there};
pub use self::limits::{Limit, Limits, RequestKind};
pub use self::log::{Log, RequestOutcome, Unlogged};
pub use self::permission::Lack;
pub use self::reader::{ReadError, Reader};
pub use self::server::{Network, Server};
pub use self::settings::RepositorySettings;

/// Reads an answer of GitHub's as every request does: status, headers and body, and the documents a body may be. Nothing
/// is sent and nothing is kept: this is where any bytes can be tried.
pub fn read_answer(status: u16, headers: &http::HeaderMap, body: &[u8], now: std::time::SystemTime) {
    let _ = classify::classify(status, &classify::Headers::read(headers, now), body, now);
    documents::read_any(body);
}
