//! GitHub, and GitHub Enterprise: releases as drafts that hold all their assets, then published.
//!
//! How GitHub is asked, when, and what its answers mean is [`crate::github`]'s to know; here is what a release of ours is.
//!
//! | file | |
//! |---|---|
//! | `journal`, `record` | what earlier runs did; what this one writes down |
//! | `preflight` | may we write, is the commit there, do tags stand right |
//! | `observe` | one look: what is there |
//! | `known` | a release as it was seen, and whose a draft is |
//! | `perform` | one write |
//! | `rehearsal` | the pure model of GitHub, on a clock that does not wait |
//!
//! The listing is the truth; ids learnt from it are kept between writes. A draft is not visible by its tag, so a write that
//! got no answer looks at the list again before it is repeated. What is public is never changed but for its notes.

pub mod journal;
mod known;
mod observe;
mod perform;
mod preflight;
mod record;
pub mod rehearsal;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::layout;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::Tag;

use self::known::Known;
use self::record::Record;
use super::{Estimate, Forge, ForgeError, RELEASE_WORKFLOW, Remote, Scope, WorkflowStart, Write};
use crate::github::{Addresses, ApiError, ApiRefusal, Client, Limits, RequestKind, Server, WaitPolicy, token};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::http::{self, HttpError};
use crate::sys::lock::LockPolicy;

/// No asset is longer than an archive may be. artifacts.md §7.
const ASSET_LIMIT: u64 = layout::ARCHIVE_LIMIT;

/// Seconds between looks for a download: what was published an instant ago is not everywhere yet.
const SHOWN_SOON: [u64; 3] = [2, 5, 15];

/// Where GitHub is, and where this version keeps its journal.
pub struct GitHubPlace {
    /// Where GitHub is.
    pub addresses: Addresses,
    /// Directory of the journal, and of the lock that keeps two runs of one version apart.
    pub journal: PathBuf,
    /// How that lock is waited for.
    pub locking: LockPolicy,
}

/// A repository's releases.
pub struct GitHubForge<'a> {
    addresses: Addresses,
    client: Client<'a>,
    record: Rc<Record>,
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

impl<'a> GitHubForge<'a> {
    /// Talks to this server with this token.
    ///
    /// # Errors
    /// [`ForgeError::NoToken`] when the token is none that could be sent, [`ForgeError::BadAddress`] where it may not go.
    pub fn new(
        place: GitHubPlace,
        server: Arc<dyn Server>,
        token: &Secret,
        limits: Limits,
        waiting: WaitPolicy<'a>,
    ) -> Result<GitHubForge<'a>, ForgeError> {
        let GitHubPlace { addresses, journal, locking } = place;
        if let Some(bad) = [&addresses.api, &addresses.server].into_iter().find(|url| http::address(url).is_none()) {
            return Err(ForgeError::BadAddress(Address::of(&**bad).to_string()));
        }
        let record = Rc::new(Record::new(journal::Journal::new(journal).locking(locking)));
        let client = Client::new(server, &addresses.api, token, limits, waiting, record.clone())?;
        client.remember(&record.state().requests);
        Ok(GitHubForge {
            addresses,
            client,
            record,
            releases: RefCell::default(),
            private: Cell::new(false),
            of_a_workflow: token::is_of_a_workflow(token),
            default_branch: RefCell::new("HEAD".to_owned()),
            same_workflows: Cell::new(false),
            looked: Cell::new(false),
            unheard: RefCell::default(),
            reads_of_a_look: Cell::new(0),
        })
    }

    fn page(&self, name: &Fqn) -> String {
        self.addresses.page(name)
    }

    fn asset_url(&self, name: &Fqn, id: u64) -> String {
        format!("{}/releases/assets/{id}", self.addresses.repository(name))
    }
}

/// A repository in octocrab's routes.
fn route(name: &Fqn) -> String {
    format!("/repos/{}/{}", name.owner(), name.repo())
}

impl Forge for GitHubForge<'_> {
    fn describe(&self) -> String {
        if self.client.is_fake() {
            "a model of GitHub".to_owned()
        } else {
            Address::of(&*self.addresses.server).to_string()
        }
    }

    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        self.look(scope)
    }

    fn lock(&self, scope: &Scope<'_>) -> Result<Box<dyn Send>, ForgeError> {
        let begin = journal::JournalEvent::Begin {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            repository: scope.connector.repository().to_string(),
            version: scope.release.version.to_string(),
            commit: scope.commit.to_owned(),
        };
        let (lock, is_news) = self.record.lock(&self.describe(), begin, self.client.now())?;
        if is_news {
            self.client.remember(&self.record.state().requests);
        }
        Ok(Box::new(lock))
    }

    fn before_flips(&self, flips: usize) -> Result<(), ForgeError> {
        Ok(self.client.open_window(flips as u64)?)
    }

    fn after_flips(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        self.tags_in_place(scope)?;
        if !self.unheard.borrow().is_empty() {
            let listed = self.list(scope.connector)?;
            self.note_leftovers(scope, &listed);
            self.note_unheard(scope, &listed);
        }
        Ok(())
    }

    fn record_end(&self, how: &str) {
        // A run that could not write its last line down has said it to the user.
        let _ = self.record.keep(journal::JournalEvent::End { how: how.to_owned() }, self.client.now());
        let _ = self.record.sync();
    }

    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        self.carry_out(scope, write)
    }

    fn sync(&self) -> Result<(), ForgeError> {
        Ok(self.record.sync()?) // what GitHub has answered, it keeps
    }

    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let name = scope.connector;
        if self.private.get() {
            let id = self.releases.borrow().get(tag.as_str()).and_then(|known| Some(known.assets.get(asset)?.id));
            return Ok(id.map_or(Ok(None), |id| self.client.download(&self.asset_url(name, id), ASSET_LIMIT))?);
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
                let until = self.client.now() + Duration::from_secs(*pause);
                match self.client.pause(until, "a download is not there yet") {
                    Ok(()) => continue,
                    Err(ApiError::Paused { .. }) => {}
                    Err(error) => return Err(error.into()),
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

    fn fetch_staged(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let releases = self.releases.borrow();
        let draft = releases.get(tag.as_str()).filter(|known| known.draft);
        let id = draft.and_then(|known| Some(known.assets.get(asset)?.id));
        Ok(id.map_or(Ok(None), |id| self.client.download(&self.asset_url(scope.connector, id), ASSET_LIMIT))?)
    }

    fn start_workflow(&self, scope: &Scope<'_>, tag: &Tag) -> Result<WorkflowStart, ForgeError> {
        let (owner, repo) = (scope.connector.owner(), scope.connector.repo());
        let started = self.client.change(async |crab| {
            crab.actions().create_workflow_dispatch(owner, repo, RELEASE_WORKFLOW, tag.as_str()).send().await
        });
        match started {
            Ok(()) => Ok(WorkflowStart::Started),
            // The token may do less than this, or the workflow takes no such start: a person can do it by hand.
            Err(ApiError::Refused {
                why: why @ (ApiRefusal::Absent | ApiRefusal::Refused(_) | ApiRefusal::Forbidden { .. }),
                ..
            }) => Ok(WorkflowStart::Refused(why.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn estimate(&self, stage: &[Write], flip: &[Write]) -> Option<Estimate> {
        let kind = |write: &Write| match write {
            Write::Draft { .. } | Write::Stage { .. } => Some(RequestKind::Creation),
            Write::Remove { .. } | Write::Flip { .. } | Write::Finish { .. } => Some(RequestKind::Change),
            Write::Key { .. } | Write::Announce { .. } => None,
        };
        let (stage, flips): (Vec<RequestKind>, Vec<RequestKind>) =
            (stage.iter().filter_map(kind).collect(), flip.iter().filter_map(kind).collect());
        let (finish, limit) = self.client.earliest_finish(&stage, &flips);
        // A look to plan from, one under the lock, and where the tags stand afterwards.
        let reads = if stage.len() + flips.len() == 0 { 1 } else { 2 } * self.reads_of_a_look.get();
        Some(Estimate { at: self.client.now(), finish, limit, creations: stage.len(), changes: flips.len(), reads })
    }
}
