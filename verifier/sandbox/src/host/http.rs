//! `http_request`: one whole exchange, each step in the order of sandbox.md §4.2.
//!
//! A request leaves for a URL that the grant and the action's subset admit, on every hop; with headers the guest chose,
//! minus those that frame the message; with a credential the guest never sees; to an address that was judged. What comes
//! back is capped, decoded and cleared of the credential. The future holds nothing of the guest: dropping it ends the
//! exchange, whatever it waits for.

mod connect;
pub mod envelope;
mod guard;
mod long;
pub mod recording;
mod redact;
mod redirect;
mod wire;

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::Class;
use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::credential::{CredentialGate, Credentials, Unsent};
use crate::failure::Failure;
use crate::grant::{Grant, Target};

use envelope::Envelope;
use recording::{RecordedRequest, RecordedResponse, Recorder, Recording};
use redact::SecretPatterns;
use wire::{Settings, Wire};

use super::{Exchange, Response};

pub use connect::{Roots, trusting};
pub use guard::{Lookup, Resolver, System};
pub use wire::{BODY_LIMIT, Proxies};

/// The return code of a request that was denied or failed. §3.1.
pub const FAILED: i32 = -1;
/// The return code of a malformed call. §3.1.
pub const MALFORMED: i32 = -2;

/// Headers of a guest that never reach the wire: they frame the message or belong to one connection. §4.3.
const IGNORED: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TRAILER,
    header::TE,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
];

/// Headers of a guest that are dropped while a credential is attached: an answer that comes in pieces, or in an encoding only
/// the guest undoes, would be passed on with the credential in it.
const UNREADABLE: [HeaderName; 3] = [header::ACCEPT_ENCODING, header::RANGE, header::IF_RANGE];

/// What one invoke may reach and how.
///
/// Made from the manifest; everything else has a default that reaches less or is the machine's own. Shared between
/// invokes; nothing of one is seen by another.
pub struct Network {
    grant: Grant,
    subset: Grant,
    gate: CredentialGate,
    settings: Settings,
    backend: Backend,
    recorder: Option<Arc<dyn Recorder>>,
    clock: SigningClock,
}

/// Tells the time for signatures.
pub type SigningClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

#[expect(clippy::large_enum_variant, reason = "one for each network, never in a list")]
enum Backend {
    /// The real network.
    Network(Wire),
    /// A recording in its place.
    Recording(Arc<dyn Recording>),
}

impl Network {
    /// The network as a connector's manifest grants it: no credential bound, the machine's resolver and roots, no proxy.
    pub fn of(manifest: &ConnectorManifest) -> Network {
        let settings = Settings {
            roots: Roots::Platform,
            resolver: Arc::new(System),
            proxies: Proxies::default(),
            allow_private: Vec::new(),
        };
        Network {
            grant: Grant::new(manifest.hosts.iter().map(|host| host.value.as_str())),
            subset: Grant::default(),
            gate: CredentialGate {
                connector: manifest.name.value.clone(),
                declared: manifest.credential.clone(),
                credentials: None,
            },
            backend: Backend::Network(Wire::new(settings.clone())),
            settings,
            recorder: None,
            #[expect(clippy::disallowed_methods, reason = "the default, which a test replaces")]
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Narrowed to the `host:port` entries an action lists; none narrow nothing. §6.3.
    #[must_use]
    pub fn narrowed_to<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Network {
        self.subset = Grant::new(hosts);
        self
    }

    /// With a source of credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Arc<dyn Credentials>) -> Network {
        self.gate.credentials = Some(credentials);
        self
    }

    /// These names may lead to private addresses: `--allow-private`.
    #[must_use]
    pub fn allowing_private(self, hosts: impl IntoIterator<Item = String>) -> Network {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        self.rewired(|settings| settings.allow_private = hosts)
    }

    /// Believing these certificates.
    #[must_use]
    pub fn trusting(self, roots: Roots) -> Network {
        self.rewired(|settings| settings.roots = roots)
    }

    /// Asking this resolver.
    #[must_use]
    pub fn resolving_with(self, resolver: Arc<dyn Resolver>) -> Network {
        self.rewired(|settings| settings.resolver = resolver)
    }

    /// Through these proxies.
    #[must_use]
    pub fn through(self, proxies: Proxies) -> Network {
        self.rewired(|settings| settings.proxies = proxies)
    }

    /// With a recording in place of the network: `--replay`.
    #[must_use]
    pub fn replaying(mut self, recording: Arc<dyn Recording>) -> Network {
        self.backend = Backend::Recording(recording);
        self
    }

    /// Recorded by a recorder: `--record`.
    #[must_use]
    pub fn recorded_by(mut self, recorder: Arc<dyn Recorder>) -> Network {
        self.recorder = Some(recorder);
        self
    }

    /// Signing by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: SigningClock) -> Network {
        self.clock = clock;
        self
    }

    fn rewired(mut self, change: impl FnOnce(&mut Settings)) -> Network {
        change(&mut self.settings);
        if let Backend::Network(wire) = &mut self.backend {
            *wire = Wire::new(self.settings.clone());
        }
        self
    }

    /// §4.2 steps 4 and 5.
    fn admit(&self, target: Target) -> Result<Target, Failure> {
        self.grant.admit(&target)?;
        self.subset.narrow(&target)?;
        Ok(target)
    }
}

impl Exchange for Network {
    fn exchange<'a>(&'a self, envelope: &'a [u8]) -> Pin<Box<dyn Future<Output = super::ExchangeResult> + Send + 'a>> {
        Box::pin(exchange(self, envelope))
    }
}

/// One whole exchange; the envelope is a copy of guest memory. sandbox.md §4.2, steps 2 to 10.
///
/// Dropping the future ends the exchange at once. It runs on a tokio runtime with I/O enabled.
///
/// # Errors
/// The guest's return code, -1 or -2, and what becomes the sticky error.
pub async fn exchange(network: &Network, envelope: &[u8]) -> Result<Response, (i32, Failure)> {
    let malformed = |why: String| (MALFORMED, failed(why));
    let asked = Envelope::decode(envelope).map_err(|why| malformed(format!("invalid JSON envelope: {why}")))?;
    if asked.url.is_empty() {
        return Err(malformed("empty URL".to_owned()));
    }
    converse(network, asked).await.map_err(|failure| (FAILED, failure))
}

/// One request on its way: what [`redirect::follow`] changes.
struct Hop {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
    /// Headers the host put in, for this origin only.
    injected: Vec<HeaderName>,
}

async fn converse(network: &Network, asked: Envelope) -> Result<Response, Failure> {
    let target = network.admit(Target::parse(&asked.url)?)?;
    let method = method(&asked.method)?;
    let resolved = match asked.credential.as_str() {
        "" => None,
        kind => Some(network.gate.resolve(kind, &target).await?),
    };
    let mut headers = headers(&asked.headers)?;
    let body = Bytes::from(asked.body);
    let mut injected = Vec::new();
    let (mut patterns, mut follows) = (SecretPatterns::default(), true);
    if let Some(resolved) = resolved {
        let now = (network.clock)();
        let mut request = Unsent { method: &method, target: &target, headers: &mut headers, body: &body, now };
        // What the host cannot read it cannot redact; and a signature covers the headers as they are sent.
        UNREADABLE.iter().for_each(|name| drop(request.headers.remove(name)));
        injected = network.gate.inject(&resolved, &mut request)?;
        patterns = SecretPatterns::of(resolved.secret());
        follows = !resolved.is_for_one_request();
    }
    let hop = Hop { method, target, headers, body, injected };
    travel(network, hop, follows, &patterns).await.map_err(|failure| cleared(failure, &patterns))
}

/// §4.2 steps 9 and 10: send, and follow redirects while the grant admits them.
async fn travel(
    network: &Network,
    mut hop: Hop,
    follows: bool,
    patterns: &SecretPatterns,
) -> Result<Response, Failure> {
    for _ in 0..=redirect::LIMIT {
        let (answer, headers) = match &network.backend {
            Backend::Network(wire) => {
                let answer = wire.send(&hop).await?;
                let headers = answer.headers();
                (HopAnswer::Head(answer), headers)
            }
            Backend::Recording(recording) => {
                let answered =
                    recording.answer(&sent(&hop, patterns)).map_err(|why| failed(format!("replay: {why}")))?;
                let headers = answered.headers.clone();
                (HopAnswer::Whole(answered), headers)
            }
        };
        let status = answer.status();
        let location = headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.clone());
        // An empty one names nothing to follow: the guest gets the answer, as from Go's client.
        let names_target = |location: &String| !location.is_empty() && follows && redirect::is_redirect(status);
        let onward = location.filter(names_target);
        let body = match &onward {
            Some(_) => Vec::new(),
            None => patterns.redact(answer.body().await?),
        };
        if body.len() > BODY_LIMIT {
            return Err(wire::too_long());
        }
        if let Some(recorder) = &network.recorder {
            let clear = |(name, value): &(String, String)| (name.clone(), patterns.redact_text(value));
            let headers = headers.iter().map(clear).collect();
            recorder.record(sent(&hop, patterns), RecordedResponse { status, headers, body: body.clone() });
        }
        let Some(location) = onward else {
            return Ok(Response { status, body });
        };
        let from = hop.target.authority();
        let target = hop.target.join(&location).and_then(|target| network.admit(target));
        let target = target.map_err(|failure| failure.with("redirected_from", format!("network:{from}")))?;
        hop = redirect::follow(hop, status, target);
    }
    Err(failed(format!("stopped after {} redirects", redirect::LIMIT)))
}

enum HopAnswer {
    Head(wire::NetworkAnswer),
    Whole(RecordedResponse),
}

impl HopAnswer {
    fn status(&self) -> u16 {
        match self {
            HopAnswer::Head(answer) => answer.status(),
            HopAnswer::Whole(answered) => answered.status,
        }
    }

    async fn body(self) -> Result<Vec<u8>, Failure> {
        match self {
            HopAnswer::Head(answer) => answer.body().await,
            HopAnswer::Whole(answered) => Ok(answered.body),
        }
    }
}

/// A hop without what the host injected.
fn sent(hop: &Hop, patterns: &SecretPatterns) -> RecordedRequest {
    let text = |value: &HeaderValue| patterns.redact_text(&String::from_utf8_lossy(value.as_bytes()));
    let headers = hop.headers.iter().filter(|(name, _)| !hop.injected.contains(name));
    RecordedRequest {
        method: hop.method.to_string(),
        url: patterns.redact_text(&hop.target.text()),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: hop.body.to_vec(),
    }
}

/// §4.2 step 6. `CONNECT` opens a tunnel and `TRACE` echoes what the host injected: neither is a request to a service.
fn method(text: &str) -> Result<Method, Failure> {
    let refused = |why: &str| failed(format!("build: {why} {:?}", text.chars().take(100).collect::<String>()));
    match text {
        "" => Ok(Method::GET),
        _ if text.eq_ignore_ascii_case("CONNECT") || text.eq_ignore_ascii_case("TRACE") => {
            Err(refused("method not permitted"))
        }
        _ => Method::from_bytes(text.as_bytes()).map_err(|_| refused("invalid method")),
    }
}

/// §4.2 step 7, and the validity that Go's client checks when it sends. A value is never repeated in a message.
fn headers(asked: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in asked {
        let shown = || name.chars().take(100).collect::<String>();
        let invalid = |what: &str| failed(format!("invalid header {what} {:?}", shown()));
        let name: HeaderName = name.parse().map_err(|_| invalid("name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid("value of"))?;
        if !IGNORED.contains(&name) {
            headers.try_insert(name, value).map_err(|_| failed("too many headers".to_owned()))?;
        }
    }
    Ok(headers)
}

/// A failure may repeat what a server said, a redirect's target for one; never the credential in it.
fn cleared(mut failure: Failure, patterns: &SecretPatterns) -> Failure {
    fn clear(value: &mut Value, patterns: &SecretPatterns) {
        match value {
            Value::String(text) => *text = patterns.redact_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| clear(value, patterns)),
            Value::Object(fields) => fields.values_mut().for_each(|value| clear(value, patterns)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    failure.message = patterns.redact_text(&failure.message);
    failure.details.values_mut().for_each(|value| clear(value, patterns));
    failure
}

fn failed(why: String) -> Failure {
    Failure::new(Class::ConnectorRuntimeError, format!("http_request: {why}"))
}
