//! Features into registries: what a registry may do, what is written, and who gets the credential.

mod collection;
mod command;
mod faults;
mod image;
mod killed;
mod natures;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aileron_cli::event::Event;
use aileron_cli::github::WaitPolicy;
use aileron_cli::publisher::forge::registry::credential::Credential;
use aileron_cli::publisher::forge::registry::{
    Access, Artifact, Reference, Registry, RegistryError, Repository, TagPlan, Visibility, apply, confirm, plan_push,
    tags,
};
use aileron_cli::publisher::unit::archive::FeatureFile;
use aileron_cli::publisher::unit::artifact::artifact;
use aileron_cli::publisher::unit::folder::Feature;
use aileron_cli::secret::Secret;
use aileron_cli::sys::clock::Clock;
use aileron_cli::sys::http::Web;
use aileron_testkit::registry::{FakeRegistry, PASSWORD, USER};

/// A clock on which time passes by waiting only.
struct Virtual(Mutex<SystemTime>);

impl Virtual {
    fn new() -> Virtual {
        Virtual(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)))
    }
}

impl Clock for Virtual {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn sleep_until(&self, until: SystemTime, _: &AtomicBool) {
        let mut now = self.0.lock().unwrap();
        *now = until.max(*now);
    }
}

/// What came of a push.
#[derive(Debug)]
struct Pushed {
    plan: TagPlan,
    sent: usize,
    visibility: Visibility,
    waited: Duration,
}

fn feature(version: &str, script: &str) -> Feature {
    let manifest = format!(r#"{{"id": "gh", "version": "{version}", "name": "gh"}}"#);
    let file =
        |path: &str, text: &str, is_executable| FeatureFile { path: path.into(), bytes: text.into(), is_executable };
    let version = version.parse().unwrap();
    Feature {
        id: "gh".into(),
        tags: tags(&version).unwrap(),
        version,
        files: vec![file("devcontainer-feature.json", &manifest, false), file("install.sh", script, true)],
        manifest,
    }
}

fn packed(feature: &Feature) -> Artifact {
    artifact(feature, None).unwrap()
}

fn repository(registry: &FakeRegistry) -> Repository {
    format!("{}/acme/gh", registry.host()).parse::<Reference>().unwrap().repository
}

fn bob() -> Credential {
    Credential::Password { username: USER.into(), password: Secret::from(PASSWORD.to_owned()) }
}

/// All of `unit push` after packing, with a virtual clock.
fn push(registry: &FakeRegistry, credential: Option<&Credential>, feature: &Feature) -> Result<Pushed, RegistryError> {
    static STOP: AtomicBool = AtomicBool::new(false);
    assert!(!STOP.load(Ordering::SeqCst));
    let (web, clock, repository, artifact) = (Web::default(), Virtual::new(), repository(registry), packed(feature));
    let (began, quiet) = (clock.now(), |_: Event| {});
    let waiting = WaitPolicy { clock: &clock, stop: &STOP, listener: &quiet, longest: None };
    let publisher = Registry::new(&web, &repository, true, credential, Access::PullPush, &waiting)?;
    let plan = plan_push(&publisher, &artifact, &feature.version, &feature.tags)?;
    let sent = apply(&publisher, &artifact, &plan, &quiet)?;
    let anybody = Registry::new(&web, &repository, true, None, Access::Pull, &waiting)?;
    let visibility = confirm(&anybody, &publisher, &artifact, &plan, &quiet)?;
    Ok(Pushed { plan, sent, visibility, waited: clock.now().duration_since(began).unwrap() })
}

/// The tags a registry holds, as `tag=version`; `versions` are known by their content.
fn told(registry: &FakeRegistry, versions: &[&Feature]) -> Vec<String> {
    let of = |digest: &str| {
        let found = versions.iter().find(|feature| packed(feature).digest.to_string() == digest);
        found.map_or_else(|| "?".to_owned(), |feature| feature.version.to_string())
    };
    registry.held().tags.iter().map(|(tag, digest)| format!("{tag}={}", of(digest))).collect()
}
