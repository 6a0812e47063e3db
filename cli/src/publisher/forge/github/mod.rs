//! GitHub, and GitHub Enterprise: releases as drafts that hold all their assets, then published.
//!
//! | file | |
//! |---|---|
//! | `transport` | octocrab over the network, or over someone who plays GitHub |
//! | `client` | requests, paced, waited for and written down |
//! | `gate` | where the token may go; pure |
//! | `budget` | when the next one may leave; pure |
//! | `classify`, `permission`, `seconds` | what an answer means, what a token lacks, how long a header asks to wait; pure |
//! | `journal` | what earlier runs did |
//! | `preflight` | may we write, is the commit there, do tags stand right |
//! | `observe` | one look: what is there |
//! | `perform` | one write |
//! | `rehearsal` | the pure model of GitHub, on a clock that does not wait |
//!
//! The listing is the truth; ids learnt from it are kept between writes. A draft is not visible by its tag, so a write that
//! got no answer looks at the list again before it is repeated. What is public is never changed but for its notes.

mod budget;
mod classify;
mod client;
mod documents;
mod gate;
pub mod journal;
mod observe;
mod perform;
mod permission;
mod preflight;
pub mod rehearsal;
mod seconds;
mod transport;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::layout;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::Tag;
use serde_json::Value;

pub use self::budget::{Kind, Limits, Primary, Spent, Turn, floor, opening, turn};
pub use self::classify::{Answer, Headers, classify};
use self::client::Client;
pub use self::client::Patience;
use self::documents::Known;
pub use self::permission::{Lack, Offer};
pub use self::seconds::Seconds;
pub use self::transport::{Answers, Transport};
use super::{Estimate, Forge, ForgeError, Remote, Scope, Write};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::http::{self, HttpError};
use crate::sys::lock::LockPolicy;

/// github.com's API.
pub const API: &str = "https://api.github.com";
/// github.com, where consumers download.
pub const SERVER: &str = "https://github.com";
/// What the token of a workflow begins with. GitHub Docs, "About authentication to GitHub", "GitHub's token formats".
const OF_A_WORKFLOW: &[u8] = b"ghs_";
/// No asset is longer than an archive may be. artifacts.md §7.
const ASSET_LIMIT: u64 = layout::ARCHIVE_LIMIT;

/// Seconds between looks for a download: what was published an instant ago is not everywhere yet.
const SHOWN_SOON: [u64; 3] = [2, 5, 15];

/// Reads an answer of GitHub's as every request does: status, headers and body, and the documents a body may be. Nothing
/// is sent and nothing is kept: this is where any bytes can be tried.
pub fn read_answer(status: u16, headers: &::http::HeaderMap, body: &[u8], now: std::time::SystemTime) {
    let _ = classify::classify(status, &transport::headers(headers, now), body, now);
    documents::read_any(body);
}

/// Where GitHub is, and where this version keeps its journal.
pub struct Place {
    /// Base of the API, without a slash at the end.
    pub api: String,
    /// Base of the web site, without a slash at the end.
    pub server: String,
    /// Directory of the journal, and of the lock that keeps two runs of one version apart.
    pub journal: PathBuf,
    /// How that lock is waited for.
    pub locking: LockPolicy,
}

/// A repository's releases.
pub struct GitHub<'a> {
    place: Place,
    client: Client<'a>,
    releases: RefCell<BTreeMap<String, Known>>,
    private: Cell<bool>,
    of_a_workflow: bool,
    /// The default branch, as the first look found it.
    default_branch: RefCell<String>,
    /// Whether workflow files were compared with the default branch's, and none differed. Where one differs, nothing goes on.
    same_workflows: Cell<bool>,
    looked: Cell<bool>,
    /// Tags whose draft was asked for without an answer, and whether another draft was made since without waiting until the
    /// list must show the first: then two may be there.
    unheard: RefCell<BTreeMap<String, bool>>,
    reads_of_a_look: Cell<usize>,
}

impl<'a> GitHub<'a> {
    /// Talks to GitHub with this token.
    ///
    /// # Errors
    /// [`ForgeError::NoToken`] when the token is none that could be sent, [`ForgeError::BadAddress`] where it may not go.
    pub fn new(
        place: Place,
        transport: Transport,
        token: &Secret,
        limits: Limits,
        patience: Patience<'a>,
    ) -> Result<GitHub<'a>, ForgeError> {
        if let Some(bad) = [&place.api, &place.server].into_iter().find(|url| http::address(url).is_none()) {
            return Err(ForgeError::BadAddress(Address::of(&**bad).to_string()));
        }
        let journal = journal::Journal::new(place.journal.clone()).locking(place.locking.clone());
        let client = Client::new(transport, &place.api, token, limits, patience, journal)?;
        Ok(GitHub {
            place,
            client,
            releases: RefCell::default(),
            private: Cell::new(false),
            of_a_workflow: token.expose().trim_ascii_start().starts_with(OF_A_WORKFLOW),
            default_branch: RefCell::new("HEAD".to_owned()),
            same_workflows: Cell::new(false),
            looked: Cell::new(false),
            unheard: RefCell::default(),
            reads_of_a_look: Cell::new(0),
        })
    }

    fn repository(&self, name: &Fqn) -> String {
        format!("{}/repos/{}/{}", self.place.api, name.owner(), name.repo())
    }

    fn page(&self, name: &Fqn) -> String {
        format!("{}/{}/{}", self.place.server, name.owner(), name.repo())
    }

    fn asset_url(&self, name: &Fqn, id: u64) -> String {
        format!("{}/releases/assets/{id}", self.repository(name))
    }
}

impl Forge for GitHub<'_> {
    fn describe(&self) -> String {
        if self.client.is_rehearsal() {
            "a model of GitHub".to_owned()
        } else {
            Address::of(&*self.place.server).to_string()
        }
    }

    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        self.look(scope)
    }

    fn lock(&self, scope: &Scope<'_>) -> Result<Box<dyn Send>, ForgeError> {
        let begin = journal::Event::Begin {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            repository: scope.connector.repository().to_string(),
            version: scope.release.version.to_string(),
            commit: scope.commit.to_owned(),
        };
        Ok(Box::new(self.client.lock(&self.describe(), begin)?))
    }

    fn before_flips(&self, flips: usize) -> Result<(), ForgeError> {
        self.client.open_window(&self.place.api, flips as u64)
    }

    fn after_flips(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        self.tags_in_place(scope)?;
        if !self.unheard.borrow().is_empty() {
            let listed = self.list(scope.connector)?;
            self.tell_of_leftovers(scope, &listed);
            self.tell_of_unheard(scope, &listed);
        }
        Ok(())
    }

    fn record_end(&self, how: &str) {
        // A run that could not write its last line down has said it to the user.
        let _ = self.client.record(journal::Event::End { how: how.to_owned() });
        let _ = self.client.sync();
    }

    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        self.carry_out(scope, write)
    }

    fn sync(&self) -> Result<(), ForgeError> {
        self.client.sync() // what GitHub has answered, it keeps
    }

    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let name = scope.connector;
        if self.private.get() {
            let id = self.releases.borrow().get(tag.as_str()).and_then(|known| Some(known.assets.get(asset)?.id));
            return id.map_or(Ok(None), |id| self.client.download(&self.asset_url(name, id), ASSET_LIMIT));
        }
        let url = layout::download_url(&self.page(name), tag, asset);
        let mut pauses = SHOWN_SOON.iter();
        loop {
            let error = match self.client.visit(&url, ASSET_LIMIT) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) => error,
            };
            let may_pass = matches!(error, HttpError::Absent { .. }) || error.is_retriable();
            if let Some(pause) = pauses.next().filter(|_| may_pass) {
                match self.client.pause(self.client.now() + Duration::from_secs(*pause), "a download is not there yet")
                {
                    Ok(()) => continue,
                    Err(ForgeError::Paused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            return match error {
                HttpError::Absent { .. } => Ok(None),
                error if may_pass => Err(ForgeError::Unreachable {
                    asked: format!("GET {}", Address::of(&*url)),
                    why: error.to_string(),
                }),
                error => {
                    Err(ForgeError::Refused { asked: format!("GET {}", Address::of(&*url)), why: error.to_string() })
                }
            };
        }
    }

    fn estimate(&self, stage: &[Write], flip: &[Write]) -> Option<Estimate> {
        let kind = |write: &Write| match write {
            Write::Draft { .. } | Write::Stage { .. } => Some(Kind::Creation),
            Write::Flip { .. } | Write::Finish { .. } => Some(Kind::Change),
            Write::Key { .. } | Write::Announce { .. } => None,
        };
        let (stage, flips): (Vec<Kind>, Vec<Kind>) =
            (stage.iter().filter_map(kind).collect(), flip.iter().filter_map(kind).collect());
        let (finish, limit) = self.client.floor(&stage, &flips);
        // A look to plan from, one under the lock, and where the tags stand afterwards.
        let reads = if stage.len() + flips.len() == 0 { 1 } else { 2 } * self.reads_of_a_look.get();
        Some(Estimate { at: self.client.now(), finish, limit, creations: stage.len(), changes: flips.len(), reads })
    }
}

/// The document of an answer, or why there is none.
fn done(answer: Answer, asked: impl Fn() -> String) -> Result<Value, ForgeError> {
    match answer {
        Answer::Done(document) => Ok(document),
        answer => Err(refusal(answer, asked())),
    }
}

/// What an answer that is no document means for whoever asked.
fn refusal(answer: Answer, asked: String) -> ForgeError {
    match answer {
        Answer::Absent => ForgeError::Refused { asked, why: "HTTP 404: Not Found".to_owned() },
        Answer::Refused(why) | Answer::Burned(why) => ForgeError::Refused { asked, why },
        Answer::Forbidden { why, lacks } => ForgeError::Forbidden { asked, why, lacks },
        Answer::Unwelcome(why) => ForgeError::BadToken { asked, why },
        Answer::Moved(_) => ForgeError::Moved { asked },
        Answer::Conflict(why) => ForgeError::Taken { asked, why },
        Answer::Unreachable(why) | Answer::Unavailable(_, why) => ForgeError::Unreachable { asked, why },
        // The client waits for these itself and never hands one on.
        Answer::Limited(_) => ForgeError::Unreachable { asked, why: "GitHub's rate limit".to_owned() },
        Answer::Done(_) => ForgeError::Unreachable { asked, why: "unexpected response".to_owned() },
    }
}

/// An answer that broke off or is no document may still mean that the work was done.
fn read<T: serde::de::DeserializeOwned>(document: Value, asked: impl Fn() -> String) -> Result<T, ForgeError> {
    let is_none = document.is_null();
    serde_json::from_value(document).map_err(|error| ForgeError::Unreachable {
        asked: asked(),
        why: match is_none {
            true => "the answer is no JSON".to_owned(),
            false => format!("unexpected response: {error}"),
        },
    })
}
