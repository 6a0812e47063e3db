//! An OCI registry on a local port, as strange as a test wants it: it remembers what it was sent, asks for a login, sends uploads
//! elsewhere, and fails or dies at any request.
//!
//! What it keeps is checked as an honest registry would: a manifest whose blobs are missing is refused, and so is an upload
//! whose bytes are not those of its digest, unless the test says otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aileron_verifier::name::digest::BlobDigest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::scripted::{Answer, Identity, Received, Scripted};

/// The user who may push.
pub const USER: &str = "bob";
/// That user's password: a text that no output may hold.
pub const PASSWORD: &str = "hunter2";

/// How the registry asks for a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    None,
    /// A token, by a challenge that offers less than a push needs. Nobody's token reads where the package is public.
    Token,
    /// Name and password in each request.
    Basic,
    /// 401, and not a word about how; only the API's root has the challenge.
    OnlyAtTheRoot,
    /// 401, and not a word about how anywhere.
    Silent,
}

/// Where an upload goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// A path.
    Relative,
    /// The registry's own address.
    Absolute,
    /// A storage service on another port, which is another origin.
    Elsewhere,
}

/// How the list of tags is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// As it should be, two tags on a page.
    Pages,
    /// All of them at once: some readers never ask for a second page.
    Whole,
    /// A document without `tags`.
    Missing,
    /// `"tags": null`.
    Null,
}

/// What is strange about a registry.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// How it asks for a login.
    pub login: Login,
    /// Whether anybody may read.
    pub is_public: bool,
    /// Where an upload goes on.
    pub location: Location,
    /// How the list of tags is answered.
    pub tags: Tags,
    /// Whether it takes the bytes of an upload only with a PATCH.
    pub wants_patch: bool,
    /// Whether it keeps the last byte of an upload and says that all is well.
    pub keeps_the_end_only: bool,
    /// Whether it names another digest than that of what it was sent.
    pub lies_about_digests: bool,
    /// Whether it leaves the digest out of its answers.
    pub omits_digests: bool,
    /// Whether a download is sent on to the storage service.
    pub redirects_downloads: bool,
}

impl Default for Nature {
    fn default() -> Nature {
        Nature {
            login: Login::None,
            is_public: true,
            location: Location::Relative,
            tags: Tags::Pages,
            wants_patch: false,
            keeps_the_end_only: false,
            lies_about_digests: false,
            omits_digests: false,
            redirects_downloads: false,
        }
    }
}

/// What happens to one request.
pub enum Act {
    /// It is served.
    Serve,
    /// It has no effect, and this answer.
    Instead(Answer),
    /// It has its effect, and this answer.
    AndThen(Answer),
}

/// What a registry holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Blobs and manifests, by digest.
    pub stored: BTreeMap<String, Vec<u8>>,
    /// What each tag names: `latest` in `acme/gh`, `acme/dev:latest` in any other repository.
    pub tags: BTreeMap<String, String>,
    /// Every write of a tag, in order.
    pub history: Vec<(String, String)>,
}

#[derive(Default)]
struct State {
    held: Held,
    uploads: BTreeMap<usize, Vec<u8>>,
    count: usize,
}

type Script = dyn FnMut(&Received, usize) -> Act + Send;

struct Shared {
    nature: Nature,
    state: Mutex<State>,
    script: Mutex<Box<Script>>,
    base: Mutex<String>,
    storage: Mutex<String>,
}

/// A running registry.
pub struct FakeRegistry {
    shared: Arc<Shared>,
    server: Scripted,
    storage: Scripted,
}

impl FakeRegistry {
    /// One of this nature.
    pub fn new(nature: Nature) -> FakeRegistry {
        FakeRegistry::start(nature, None)
    }

    /// The same behind TLS.
    pub fn with_tls(nature: Nature, identity: &Identity) -> FakeRegistry {
        FakeRegistry::start(nature, Some(identity))
    }

    fn start(nature: Nature, identity: Option<&Identity>) -> FakeRegistry {
        let serve: Box<Script> = Box::new(|_, _| Act::Serve);
        let (state, script, base, storage) = (Mutex::default(), Mutex::new(serve), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { nature, state, script, base, storage });
        let run = |shared: Arc<Shared>, is_storage: bool| {
            let answer = move |request: &Received| shared.answer(request, is_storage);
            match identity {
                Some(identity) => Scripted::with_tls(identity, answer),
                None => Scripted::start(answer),
            }
        };
        let (server, other) = (run(shared.clone(), false), run(shared.clone(), true));
        *locked(&shared.base) = server.base();
        *locked(&shared.storage) = other.base();
        FakeRegistry { shared, server, storage: other }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.server.base().split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default()
    }

    /// What it holds now.
    pub fn held(&self) -> Held {
        locked(&self.shared.state).held.clone()
    }

    /// Changes what it holds, as somebody else would.
    pub fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut locked(&self.shared.state).held);
    }

    /// [`FakeRegistry::change`] for a script, which decides while a request waits.
    pub fn hook(&self) -> impl Fn(&mut dyn FnMut(&mut Held)) + Send + 'static {
        let shared = self.shared.clone();
        move |change| change(&mut locked(&shared.state).held)
    }

    /// Decides about each request from now on, by itself and its number, which starts at 0 again.
    pub fn script(&self, script: impl FnMut(&Received, usize) -> Act + Send + 'static) {
        locked(&self.shared.state).count = 0;
        *locked(&self.shared.script) = Box::new(script);
    }

    /// Dies at request number `at`, before or after it took effect, and does not come back.
    pub fn dies(&self, at: usize, after: bool) {
        self.script(move |_, number| match number {
            number if number < at => Act::Serve,
            number if number == at && after => Act::AndThen(gone()),
            _ => Act::Instead(gone()),
        });
    }

    /// Serves everything again.
    pub fn revives(&self) {
        self.script(|_, _| Act::Serve);
    }

    /// Requests to the registry so far.
    pub fn seen(&self) -> Vec<Received> {
        self.server.seen()
    }

    /// Requests to the storage service so far.
    pub fn seen_elsewhere(&self) -> Vec<Received> {
        self.storage.seen()
    }

    /// Requests so far that would change something.
    pub fn writes(&self) -> usize {
        let is_write = |request: &&Received| ["POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str());
        self.seen().iter().chain(&self.seen_elsewhere()).filter(is_write).count()
    }
}

/// No answer at all.
fn gone() -> Answer {
    Answer::Bytes(Vec::new())
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(status: &str, code: &str) -> Answer {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{}"}}]}}"#, code.to_lowercase().replace('_', " "));
    Answer::with(status, &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()), body)
}

impl Shared {
    fn answer(&self, request: &Received, is_storage: bool) -> Answer {
        let number = {
            let mut state = locked(&self.state);
            state.count += 1;
            state.count - 1
        };
        let act = locked(&self.script)(request, number);
        let answer = self.act(act, request, is_storage);
        match answer {
            // The answer to a HEAD has no body.
            Answer::Bytes(bytes) if request.method == "HEAD" => {
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
                Answer::Bytes(bytes[..end].to_vec())
            }
            answer => answer,
        }
    }

    fn act(&self, act: Act, request: &Received, is_storage: bool) -> Answer {
        match act {
            Act::Serve => self.serve(request, is_storage),
            Act::Instead(answer) => answer,
            Act::AndThen(answer) => {
                self.serve(request, is_storage);
                answer
            }
        }
    }

    fn serve(&self, request: &Received, is_storage: bool) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/token" {
            return self.token(request, query);
        }
        if is_storage {
            return self.stored_elsewhere(request, path, query);
        }
        if let Some(refused) = self.refused(request, path) {
            return refused;
        }
        let Some(rest) = path.strip_prefix("/v2/").filter(|rest| !rest.is_empty()) else { return Answer::ok("{}") };
        for (part, serve) in [
            ("/blobs/uploads/", Shared::upload as fn(&Shared, &Received, [&str; 3]) -> Answer),
            ("/blobs/", Shared::blob),
            ("/manifests/", Shared::manifest),
            ("/tags/list", Shared::tags),
        ] {
            if let Some((repository, below)) = rest.split_once(part) {
                return serve(self, request, [repository, below, query]);
            }
        }
        error("404 Not Found", "NAME_UNKNOWN")
    }

    /// Whether the request shows that it may, where a login is asked for.
    fn refused(&self, request: &Received, path: &str) -> Option<Answer> {
        let (base, authorization) = (locked(&self.base).clone(), request.header("authorization").unwrap_or_default());
        let writes = !["GET", "HEAD"].contains(&request.method.as_str());
        let challenge = |line: &str| {
            let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
            let headers = format!("{line}Content-Length: {}\r\n", body.len());
            Some(Answer::with("401 Unauthorized", &headers, body))
        };
        let bearer = format!(
            "WWW-Authenticate: Bearer realm=\"{base}/token\",service=\"toy\",scope=\"repository:acme/gh:pull\"\r\n"
        );
        match self.nature.login {
            Login::None => None,
            Login::Basic if authorization == basic() => None,
            Login::Basic if !writes && self.nature.is_public && path != "/v2/" => None,
            Login::Basic => challenge("WWW-Authenticate: Basic realm=\"toy\"\r\n"),
            Login::Silent => challenge(""),
            Login::OnlyAtTheRoot if authorization.is_empty() && path != "/v2/" => challenge(""),
            Login::Token | Login::OnlyAtTheRoot => match authorization {
                "Bearer for-pull,push" => None,
                "Bearer for-pull" if !writes => None,
                "Bearer for-pull" => Some(error("403 Forbidden", "DENIED")),
                _ => challenge(&bearer),
            },
        }
    }

    fn token(&self, request: &Received, query: &str) -> Answer {
        let asked = query.replace("%3A", ":").replace("%2C", ",").replace("%2F", "/");
        let wants_push = asked.contains(":pull,push");
        let token = |name: &str| Answer::ok(format!(r#"{{"token":"{name}","expires_in":300}}"#));
        match request.header("authorization") {
            Some(header) if header == basic() && wants_push => token("for-pull,push"),
            Some(header) if header == basic() => token("for-pull"),
            // As real ones do: less than was asked for, and not a word about it.
            None if self.nature.is_public => token("for-pull"),
            _ => error("401 Unauthorized", "UNAUTHORIZED"),
        }
    }

    fn digest_header(&self, digest: &str) -> String {
        match (self.nature.omits_digests, self.nature.lies_about_digests) {
            (true, _) => String::new(),
            (_, true) => format!("Docker-Content-Digest: {}\r\n", BlobDigest::of(&[b"another"])),
            _ => format!("Docker-Content-Digest: {digest}\r\n"),
        }
    }

    /// Bytes as the answer to a GET or a HEAD.
    fn bytes(&self, digest: &str, bytes: &[u8], media_type: &str) -> Answer {
        let headers =
            format!("{}Content-Type: {media_type}\r\nContent-Length: {}\r\n", self.digest_header(digest), bytes.len());
        Answer::with("200 OK", &headers, bytes)
    }

    fn blob(&self, request: &Received, [_, digest, _]: [&str; 3]) -> Answer {
        let Some(bytes) = locked(&self.state).held.stored.get(digest).cloned() else {
            return error("404 Not Found", "BLOB_UNKNOWN");
        };
        if self.nature.redirects_downloads && request.method == "GET" {
            let to = format!("{}/stored/{digest}?sig=permission", locked(&self.storage));
            return Answer::with("307 Temporary Redirect", &format!("Location: {to}\r\nContent-Length: 0\r\n"), "");
        }
        self.bytes(digest, &bytes, "application/octet-stream")
    }

    fn upload(&self, request: &Received, [_, id, query]: [&str; 3]) -> Answer {
        match request.method.as_str() {
            "POST" => {
                let id = {
                    let mut state = locked(&self.state);
                    let id = state.uploads.len();
                    state.uploads.insert(id, Vec::new());
                    id
                };
                let path = format!("/v2/acme/gh/blobs/uploads/{id}?state=a%2Bb");
                let location = match self.nature.location {
                    Location::Relative => path,
                    Location::Absolute => format!("{}{path}", locked(&self.base)),
                    Location::Elsewhere => format!("{}/uploads/{id}?sig=permission", locked(&self.storage)),
                };
                Answer::with("202 Accepted", &format!("Location: {location}\r\nContent-Length: 0\r\n"), "")
            }
            method => self.receive("/v2/acme/gh/blobs/uploads", method, (id, query), &request.body),
        }
    }

    fn stored_elsewhere(&self, request: &Received, path: &str, query: &str) -> Answer {
        if let Some(digest) = path.strip_prefix("/stored/") {
            let stored = locked(&self.state).held.stored.get(digest).cloned();
            return stored.map_or_else(|| Answer::status("404 Not Found"), Answer::ok);
        }
        match path.strip_prefix("/uploads/") {
            Some(id) => self.receive("/uploads", &request.method, (id, query), &request.body),
            None => Answer::status("404 Not Found"),
        }
    }

    /// A part of an upload, or its end, at `place`.
    fn receive(&self, place: &str, method: &str, (id, query): (&str, &str), body: &[u8]) -> Answer {
        let mut state = locked(&self.state);
        let State { held, uploads, .. } = &mut *state;
        let Some((id, so_far)) = id.parse().ok().and_then(|id: usize| Some((id, uploads.get_mut(&id)?))) else {
            return error("404 Not Found", "BLOB_UPLOAD_UNKNOWN");
        };
        if method == "PATCH" {
            so_far.extend_from_slice(body);
            let location = format!("{place}/{id}?state=after");
            return Answer::with("202 Accepted", &format!("Location: {location}\r\nContent-Length: 0\r\n"), "");
        }
        if self.nature.wants_patch && !body.is_empty() {
            return error("405 Method Not Allowed", "UNSUPPORTED");
        }
        so_far.extend_from_slice(body);
        let digest = query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap_or_default();
        let digest = digest.replace("%3A", ":");
        if BlobDigest::of(&[so_far]).to_string() != digest {
            return error("400 Bad Request", "DIGEST_INVALID");
        }
        let mut bytes = uploads.remove(&id).unwrap_or_default();
        if self.nature.keeps_the_end_only {
            bytes.drain(..bytes.len().saturating_sub(1));
        }
        held.stored.insert(digest.clone(), bytes);
        uploads.insert(id, Vec::new()); // its number is not given out again
        Answer::with("201 Created", &format!("{}Content-Length: 0\r\n", self.digest_header(&digest)), "")
    }

    fn manifest(&self, request: &Received, [repository, at, _]: [&str; 3]) -> Answer {
        let at = &tag_in(repository, at);
        let mut state = locked(&self.state);
        let held = &mut state.held;
        if request.method == "PUT" {
            let digest = BlobDigest::of(&[&request.body]).to_string();
            let text = String::from_utf8_lossy(&request.body).into_owned();
            let listed = text.match_indices("sha256:").filter_map(|(at, _)| text.get(at..at + 71));
            if listed.into_iter().any(|digest| !held.stored.contains_key(digest)) {
                return error("404 Not Found", "MANIFEST_BLOB_UNKNOWN");
            }
            held.stored.insert(digest.clone(), request.body.clone());
            held.tags.insert(at.to_owned(), digest.clone());
            held.history.push((at.to_owned(), digest.clone()));
            return Answer::with("201 Created", &format!("{}Content-Length: 0\r\n", self.digest_header(&digest)), "");
        }
        let digest = held.tags.get(at).cloned().unwrap_or_else(|| at.to_owned());
        let found = held.stored.get(&digest).cloned();
        drop(state);
        match found {
            Some(bytes) => self.bytes(&digest, &bytes, "application/vnd.oci.image.manifest.v1+json"),
            None => error("404 Not Found", "MANIFEST_UNKNOWN"),
        }
    }

    fn tags(&self, _: &Received, [repository, _, query]: [&str; 3]) -> Answer {
        let own = tag_in(repository, "");
        let tags: Vec<String> = locked(&self.state).held.tags.keys().cloned().collect();
        let is_ours = |tag: &String| !own.is_empty() || !tag.contains(':');
        let names: Vec<String> = tags
            .iter()
            .filter(|tag| is_ours(tag))
            .filter_map(|tag| tag.strip_prefix(&own))
            .map(str::to_owned)
            .collect();
        match self.nature.tags {
            _ if names.is_empty() => error("404 Not Found", "NAME_UNKNOWN"),
            Tags::Missing => Answer::ok(r#"{"name":"acme/gh"}"#),
            Tags::Null => Answer::ok(r#"{"name":"acme/gh","tags":null}"#),
            Tags::Whole => Answer::ok(serde_json::json!({"name": "acme/gh", "tags": names}).to_string()),
            Tags::Pages => {
                let last = query.split('&').find_map(|pair| pair.strip_prefix("last=")).unwrap_or_default();
                let after: Vec<&String> = names.iter().filter(|name| name.as_str() > last).collect();
                let page = &after[..after.len().min(2)];
                let body = serde_json::json!({"name": "acme/gh", "tags": page}).to_string();
                let link = match page.last().filter(|_| after.len() > 2) {
                    Some(last) => format!("Link: </v2/{repository}/tags/list?n=2&last={last}>; rel=\"next\"\r\n"),
                    None => String::new(),
                };
                Answer::with("200 OK", &format!("{link}Content-Length: {}\r\n", body.len()), body)
            }
        }
    }
}

/// How a tag is held: by its name alone in the repository of most tests, with the repository's name in any other.
fn tag_in(repository: &str, tag: &str) -> String {
    match repository {
        "acme/gh" => tag.to_owned(),
        _ if tag.starts_with("sha256:") => tag.to_owned(),
        other => format!("{other}:{tag}"),
    }
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}
