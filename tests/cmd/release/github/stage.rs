//! The library in front of the model of GitHub, in one process: no sockets, no waiting, and an end at any request.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aileron_cli::event::Event;
use aileron_cli::github::{Addresses, Limits, Server, WaitPolicy};
use aileron_cli::publisher::forge::github::rehearsal::Rehearsal;
use aileron_cli::publisher::forge::github::{GitHubForge, GitHubPlace, journal};
use aileron_cli::publisher::forge::model::wire::{Call, understand};
use aileron_cli::publisher::forge::model::{GitHub as Model, Operation, Response};
use aileron_cli::publisher::forge::{Forge as _, Remote, Scope};
use aileron_cli::publisher::release::{
    self, DirtyTree, Packed, Proven, Public, Receipt, ReleaseError, SecretSource, World,
};
use aileron_cli::publisher::sign::OsKeychain;
use aileron_cli::secret::Secret;
use aileron_cli::sys::clock::Clock as _;
use aileron_cli::sys::environment::Environment;
use aileron_testkit::github::Repository as Hosted;
use aileron_testkit::home::TestHome;
use aileron_testkit::reference;
use bytes::Bytes;

use super::repository;

/// Where every test's clock begins: in the middle of a minute and an hour.
pub(crate) const BEGAN: u64 = 1_750_000_123;

/// A signed cohort, made once: what is published again and again.
pub(crate) struct Cohort {
    pub(crate) proven: Arc<Proven>,
    pub(crate) request: release::ReleaseRequest,
    environment: Environment,
    /// The repository it was made from, where a test looks at it again.
    home: Option<TestHome>,
}

impl Cohort {
    /// One connector and so many actions, with the repository they were made from.
    pub(crate) fn with_repository(actions: usize) -> Cohort {
        let home = TestHome::new();
        let made = repository(&home, actions);
        let (root, key) = (made.root.clone(), made.key.clone());
        let cohort = Cohort::make(root, key, None, &[]);
        Cohort { home: Some(home), ..cohort }
    }

    /// The home of a cohort with its repository.
    pub(crate) fn home(&self) -> &TestHome {
        self.home.as_ref().expect("a cohort with its repository")
    }

    /// One connector and so many actions.
    pub(crate) fn of(actions: usize) -> Cohort {
        Cohort { home: None, ..Cohort::with_repository(actions) } // the repository is not looked at any more
    }

    /// linear's 516 actions, or as many others where linear is not at hand.
    pub(crate) fn large() -> &'static Cohort {
        static LARGE: OnceLock<Cohort> = OnceLock::new();
        LARGE.get_or_init(|| {
            let Some(linear) = reference("linear") else { return Cohort::of(516) };
            let home = TestHome::new();
            let copied = home.copy(&linear, "linear").with_key();
            let (root, key) = (copied.root.clone(), copied.key.clone());
            let wasm = home.path("module.wasm");
            fs::write(&wasm, module_of_few_bytes()).unwrap();
            let rules = ["input-name", "input-type", "input-duplicate", "input-description", "intent-empty"];
            Cohort::make(root, key, Some(wasm), &rules)
        })
    }

    fn make(repository: PathBuf, key: PathBuf, wasm: Option<PathBuf>, waived: &[&str]) -> Cohort {
        let names = ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default()));
        let environment: Environment = names.into_iter().collect();
        let request = release::ReleaseRequest {
            repository,
            version: "0.1.0".parse().unwrap(),
            waived: waived.iter().map(|rule| rule.parse().unwrap()).collect(),
            dirty: DirtyTree::Refused,
            wasm,
            key: Some(key),
            client_secret: SecretSource::Default,
            replace_key: false,
        };
        let proven = with_world(&environment, &|_| {}, |world| release::make(&request, world)).unwrap();
        Cohort { proven: Arc::new(proven), request, environment, home: None }
    }

    /// Another cohort, proven as this one was.
    pub(crate) fn prove(&self, packed: Packed) -> Proven {
        with_world(&self.environment, &|_| {}, |world| release::prove(packed, world)).unwrap()
    }

    /// The same cohort for somebody who keeps it.
    pub(crate) fn shared(&self) -> Arc<Proven> {
        self.proven.clone()
    }

    /// GitHub with this cohort's repository and nothing released.
    pub(crate) fn hosted(&self) -> Model {
        Model::new(Hosted::new(self.proven.release.name.owner(), self.proven.release.name.repo()))
    }

    /// 3 for each release; two or three more files and the notes for the cohort.
    pub(crate) fn writes(&self) -> usize {
        3 * self.proven.tags.len() + self.proven.beside_connector().count() + 1
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope {
            connector: &self.proven.release.name,
            release: &self.proven.release,
            tags: &self.proven.tags,
            commit: self.proven.cohort.commit.as_str(),
        }
    }
}

fn module_of_few_bytes() -> Vec<u8> {
    aileron_testkit::module()
}

fn with_world<T>(
    environment: &Environment,
    listener: &(dyn Fn(Event) + Sync),
    work: impl FnOnce(&World<'_>) -> T,
) -> T {
    let stop = AtomicBool::new(false);
    work(&World { environment, stop: &stop, listener, keychain: &OsKeychain, passphrase: &|| None })
}

/// What a test does to one request.
pub(crate) enum Fate {
    /// Nothing.
    Answer,
    /// This comes back, and nothing was carried out.
    Instead(Response),
    /// Nothing comes back, and nothing was carried out.
    LostBefore,
    /// It is carried out, and nothing comes back.
    LostAfter,
    /// An upload breaks off half-way.
    Broken,
    /// The process ends here: before it is carried out, or after.
    Dies { after: bool },
}

/// Decides about a request; may change GitHub behind the client's back.
pub(crate) type Script = Box<dyn FnMut(&Call, &mut Model) -> Fate + Send>;

/// GitHub and a clock, and the disk of one home.
pub(crate) struct Stage {
    pub(crate) rehearsal: Rehearsal,
    script: Mutex<Script>,
    /// Once dead, the journal's length at that instant.
    dead: Mutex<Option<u64>>,
    pub(crate) journal: tempfile::TempDir,
    pub(crate) api: String,
    pub(crate) token: String,
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) limits: Limits,
}

impl Server for Stage {
    fn answer(&self, request: &http::Request<Bytes>) -> Result<http::Response<Bytes>, String> {
        let call = &Call::of(request);
        let lost = || Err("connection reset".to_owned());
        if self.dead.lock().unwrap().is_some() {
            return lost();
        }
        let fate = (self.script.lock().unwrap())(call, &mut self.rehearsal.github());
        match fate {
            Fate::Answer => self.rehearsal.answer(request),
            Fate::Instead(response) => Ok(response.into_http()),
            Fate::LostBefore => lost(),
            Fate::LostAfter => self.rehearsal.answer(request).and_then(|_| lost()),
            Fate::Broken => {
                let mut request = understand(call).unwrap();
                if let Operation::Upload(upload) = request.operation {
                    request.operation = Operation::BrokenUpload(upload);
                }
                self.rehearsal.github().handle(self.rehearsal.time(), &request);
                lost()
            }
            Fate::Dies { after } => {
                if after {
                    self.rehearsal.answer(request)?;
                }
                let length = fs::metadata(self.journal_file()).map_or(0, |meta| meta.len());
                *self.dead.lock().unwrap() = Some(length);
                lost()
            }
        }
    }
}

impl Stage {
    pub(crate) fn new(github: Model) -> Arc<Stage> {
        Stage::with(github, |_| {})
    }

    /// A stage whose clock shows this.
    pub(crate) fn begun_at(github: Model, now: SystemTime) -> Arc<Stage> {
        Stage::with(github, |stage| stage.rehearsal.sleep_until(now, &AtomicBool::new(false)))
    }

    pub(crate) fn with(github: Model, change: impl FnOnce(&mut Stage)) -> Arc<Stage> {
        let began = UNIX_EPOCH + Duration::from_secs(BEGAN);
        let mut stage = Stage {
            rehearsal: Rehearsal::new(github, began),
            script: Mutex::new(Box::new(|_, _| Fate::Answer)),
            dead: Mutex::new(None),
            journal: tempfile::tempdir().unwrap(),
            api: "https://api.github.com".to_owned(),
            token: "ghp_0123456789abcdefSECRETSECRET".to_owned(),
            notes: Mutex::default(),
            max_wait: None,
            limits: Limits::github(),
        };
        change(&mut stage);
        Arc::new(stage)
    }

    pub(crate) fn script(&self, script: impl FnMut(&Call, &mut Model) -> Fate + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn journal_file(&self) -> PathBuf {
        self.journal.path().join(journal::FILE)
    }

    pub(crate) fn github(&self) -> std::sync::MutexGuard<'_, Model> {
        self.rehearsal.github()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.rehearsal.now()
    }

    /// A machine that was switched off at the request that killed it: what was written down later never was.
    pub(crate) fn revive(&self) {
        if let Some(length) = self.dead.lock().unwrap().take()
            && let Ok(file) = fs::OpenOptions::new().write(true).open(self.journal_file())
        {
            file.set_len(length).unwrap();
        }
        self.script(|_, _| Fate::Answer);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.lock().unwrap().is_some()
    }

    /// A new process of this home.
    pub(crate) fn run<T>(
        self: &Arc<Self>,
        cohort: &Cohort,
        work: impl FnOnce(&GitHubForge<'_>, &World<'_>) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let listener = |event| {
            if let Event::Note(text) = event {
                self.notes.lock().unwrap().push(text);
            }
        };
        with_world(&cohort.environment, &listener, |world| {
            let place = GitHubPlace {
                addresses: Addresses {
                    api: self.api.clone(),
                    server: self.api.replace("/api/v3", "").replace("api.github", "github"),
                    ..Addresses::default()
                },
                journal: self.journal.path().to_owned(),
                locking: aileron_cli::sys::lock::LockPolicy::default(),
            };
            let (stop, longest) = (world.stop, self.max_wait);
            let waiting = WaitPolicy { clock: &self.rehearsal, stop, listener: &listener, longest };
            let token = Secret::from(self.token.clone());
            let forge = GitHubForge::new(place, self.clone(), &token, self.limits, waiting).unwrap();
            work(&forge, world)
        })
    }

    /// A whole release, with the recheck.
    pub(crate) fn publish(self: &Arc<Self>, cohort: &Cohort) -> Result<Receipt, ReleaseError> {
        self.run(cohort, |forge, world| {
            let remote = look(forge, cohort)?;
            release::publish(Proven::clone(&cohort.proven), &remote, &cohort.request, forge, world)
        })
    }

    /// A release up to its last flip.
    pub(crate) fn deliver(self: &Arc<Self>, cohort: &Cohort) -> Result<Public, ReleaseError> {
        self.run(cohort, |forge, world| {
            let remote = look(forge, cohort)?;
            release::deliver(Proven::clone(&cohort.proven), &remote, &cohort.request, forge, world)
        })
    }
}

fn look(forge: &GitHubForge<'_>, cohort: &Cohort) -> Result<Remote, ReleaseError> {
    forge.observe(&cohort.scope()).map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })
}

/// What the public sees of this cohort is exactly the release: every tag once, with these bytes, at the commit, nothing else.
pub(crate) fn assert_public(proven: &Proven, github: &Model) {
    assert_eq!(github.repository.releases.len(), proven.tags.len(), "one release for each tag, and no draft left");
    let connector = proven.release.tag();
    for artifact in proven.artifacts() {
        let tag = artifact.tag.as_str();
        let release = github.repository.published(tag).unwrap_or_else(|| panic!("{tag} is not public"));
        let is_connector = artifact.tag == connector;
        let beside = proven.beside_connector().filter(|_| is_connector);
        let mut wanted: Vec<_> =
            std::iter::once(&artifact.archive).chain(beside).map(|asset| (asset.name, Some(asset.digest))).collect();
        wanted.sort_unstable();
        let mut found: Vec<_> = release.assets.iter().map(|asset| (asset.name.as_str(), asset.digest)).collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "{tag}");
        assert_eq!((release.prerelease, release.name.as_deref()), (!is_connector, Some(tag)), "{tag}");
        let body = release.body.as_deref().unwrap_or_default();
        let says = if is_connector { proven.content.to_string() } else { artifact.archive.digest.to_string() };
        assert!(body.contains(&says), "{tag}: {body}");
        assert_eq!(github.repository.tags[tag].commit, proven.cohort.commit.as_str(), "{tag}");
    }
    assert_eq!(github.latest().map(|release| release.tag_name.as_str()), Some(connector.as_str()));
}

/// Reads the whole journal of a stage.
pub(crate) fn journal_text(path: &Path) -> String {
    fs::read_to_string(path.join(journal::FILE)).unwrap_or_default()
}
