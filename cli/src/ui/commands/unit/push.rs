//! `unit push`: a Feature into a registry, or into an image layout.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::packing::{Packed, features_in, here, pack};
use super::push_flags::{LoginFlags, PushTarget};
use crate::event::{Event, counted};
use crate::github::WaitPolicy;
use crate::publisher::forge::registry::{
    Access, LayoutDirectory, Reference, Registry, RegistryError, Repository, TagPlan, TagStep, Target, Visibility,
    apply, confirm, credential, plan_push, read_back,
};
use crate::publisher::unit::MANIFEST;
use crate::sys::disk;
use crate::sys::http::Web;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::table;
use crate::ui::report::{Exit, Failure, Outcome, shown};
use aileron_verifier::problem::Class;

/// Check a Feature, or a directory of them, pack and publish.
///
/// The tag of its exact version is written first and never changed afterwards; X.Y, X and latest follow where no higher version
/// is published. What is there already is not sent again, so a push that broke off is run again. At the end everything is read
/// back as anybody may.
///
/// Of a directory of Features each is pushed to REF/ID, and last their list, devcontainer-collection.json, to REF:latest.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub unit push gh ghcr.io/acme/features/gh",
    "aileron-pub unit push gh ghcr.io/acme/features/gh --dry-run",
    "aileron-pub unit push src ghcr.io/acme/features       every Feature in src, and their list",
    "aileron-pub unit push gh oci:dist/layout"
))]
pub(crate) struct Push {
    /// The Feature's folder, or a directory of such folders.
    #[arg(value_name = "FEATURE")]
    dir: PathBuf,
    /// REGISTRY/NAMESPACE/ID; REGISTRY/NAMESPACE for a directory of Features; or oci:DIR for an image layout.
    #[arg(value_name = "REF")]
    target: PushTarget,
    /// Who logs in, and how.
    #[command(flatten)]
    pub(super) login: LoginFlags,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The package is meant to be private: do not fail because nobody can read it without a login.
    #[arg(long)]
    pub(super) private: bool,
}

/// What came of it.
struct Done {
    plan: TagPlan,
    sent: usize,
    visibility: Option<Visibility>,
}

impl Verb for Push {
    fn run(self, context: &Context) -> Answer {
        let dir = here(&self.dir, context);
        if !disk::is_there(&dir.join(MANIFEST))? {
            let dirs = features_in(&dir)?;
            return match &self.target {
                PushTarget::Registry(reference) => self.push_collection(&dirs, reference, context),
                PushTarget::Layout(_) => Err(Failure::usage(format!("{} holds several Features", shown(&dir)))
                    .next("an image layout holds one: name a Feature's folder")),
            };
        }
        let packed = pack(&dir, self.target.repository(), context)?;
        self.target.must_be_of(&packed.feature)?;
        let (done, place) = match &self.target {
            PushTarget::Layout(dir) => (
                self.push_to_layout(&LayoutDirectory::new(dir.clone()), &packed, context)?,
                format!("oci:{}", dir.display()),
            ),
            PushTarget::Registry(Reference { repository, .. }) => {
                (self.push_to_registry(repository, &packed, context)?, repository.to_string())
            }
        };
        Ok(self.report(&done, &packed, &place))
    }
}

impl Push {
    fn push_to_layout(
        &self,
        layout: &LayoutDirectory,
        packed: &Packed,
        context: &Context,
    ) -> Result<Done, RegistryError> {
        let mut done = self.look(layout, packed)?;
        if !self.dry_run && done.plan.writes().next().is_some() {
            let _alone = layout.lock(&context.waiting(None))?;
            done = self.push(layout, packed, context)?;
        }
        if !self.dry_run {
            read_back(layout, &packed.artifact, &done.plan.ours().collect::<Vec<_>>())?;
        }
        Ok(done)
    }

    fn push_to_registry(
        &self,
        repository: &Repository,
        packed: &Packed,
        context: &Context,
    ) -> Result<Done, RegistryError> {
        let listener = |event| context.progress.take(event);
        let (web, longest) = (Web::default(), self.login.max_wait);
        let waiting = WaitPolicy { clock: &*context.clock, stop: context.stop, listener: &listener, longest };
        let found = credential::find(&self.login.credential(), repository, context.spawner())?;
        if let Some(found) = &found {
            listener(Event::Note(format!("logging in to {} with {}", repository.registry(), found.origin)));
        }
        let credential = found.as_ref().map(|found| &found.credential);
        let plain_http = self.login.plain_http;
        let publisher = Registry::new(&web, repository, plain_http, credential, Access::PullPush, &waiting)?;
        let done = self.push(&publisher, packed, context)?;
        if self.dry_run {
            return Ok(done);
        }
        let anybody = Registry::new(&web, repository, plain_http, None, Access::Pull, &waiting)?;
        let visibility = confirm(&anybody, &publisher, &packed.artifact, &done.plan, &listener)?;
        Ok(Done { visibility: Some(visibility), ..done })
    }

    /// The plan alone.
    fn look(&self, target: &dyn Target, packed: &Packed) -> Result<Done, RegistryError> {
        let Packed { feature, artifact } = packed;
        let plan = plan_push(target, artifact, &feature.version, &feature.tags)?;
        Ok(Done { plan, sent: 0, visibility: None })
    }

    /// The plan, and unless it is only to be shown, its writes.
    fn push(&self, target: &dyn Target, packed: &Packed, context: &Context) -> Result<Done, RegistryError> {
        let done = self.look(target, packed)?;
        let sent = match self.dry_run {
            true => 0,
            false => apply(target, &packed.artifact, &done.plan, &|event| context.progress.take(event))?,
        };
        Ok(Done { sent, ..done })
    }

    fn report(&self, done: &Done, packed: &Packed, place: &str) -> Outcome {
        let (plan, digest) = (&done.plan, packed.artifact.digest);
        let rows: Vec<Vec<String>> = plan.steps.iter().map(|(tag, step)| vec![tag.to_string(), told(step)]).collect();
        let written = plan.writes().count();
        let verb = match (self.dry_run, written) {
            (_, 0) => "nothing to write:",
            (true, _) => "would push",
            (false, _) => "pushed",
        };
        let counts = match (self.dry_run, written) {
            (true, _) | (_, 0) => String::new(),
            _ => format!("{} sent, {} written\n", counted(done.sent, "blob"), counted(written, "tag")),
        };
        let text = format!("{}{verb} {place}@{digest}\n{counts}", table(&["tag", "step"], &rows));
        let visibility = done.visibility.map(visibility_word);
        let fields = json!({
            "to": place,
            "id": packed.feature.id,
            "version": packed.feature.version,
            "digest": digest,
            "tags": plan.steps.iter().map(|(tag, step)| of_step(tag.as_str(), step)).collect::<Vec<_>>(),
            "blobs_sent": done.sent,
            "visibility": visibility,
            "dry_run": self.dry_run,
        });
        let is_private = done.visibility == Some(Visibility::Private) && !self.private;
        let failure = self.target.repository().filter(|_| is_private).map(|repository| private(place, repository));
        Outcome::new(text, fields).with_failure(failure)
    }
}

/// It is published, and nobody can use it. entireio/cli#1090 is about a publisher who was not told.
pub(super) fn private(place: &str, repository: &Repository) -> Failure {
    let text = format!("{place} is pushed, and it is private: nobody can read it without a login");
    let change = visibility_page(repository);
    Failure::new(Class::Incomplete, Exit::Incomplete, text)
        .next(format!("make it public {change}, then run the same command again; or pass --private"))
}

pub(super) fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}

/// Where a package is made public, in words that follow "make it public".
fn visibility_page(repository: &Repository) -> String {
    let (owner, rest) = repository.path().split_once('/').unwrap_or((repository.path(), ""));
    match repository.registry() {
        "ghcr.io" => {
            let package = rest.replace('/', "%2F");
            format!(
                "at https://github.com/users/{owner}/packages/container/{package}/settings (of an organisation: https://github.com/orgs/{owner}/packages/container/{package}/settings)"
            )
        }
        "docker.io" => format!("at https://hub.docker.com/repository/docker/{owner}/{rest}/settings"),
        registry => format!("in the settings of {registry}"),
    }
}

pub(super) fn told(step: &TagStep) -> String {
    match step {
        TagStep::There => "there".to_owned(),
        TagStep::Create => "new".to_owned(),
        TagStep::Move(before) => format!("moves from {before}"),
        TagStep::Leave(higher) => format!("stays at {higher}, which is higher"),
    }
}

pub(super) fn of_step(tag: &str, step: &TagStep) -> Value {
    let (word, more) = match step {
        TagStep::There => ("there", None),
        TagStep::Create => ("new", None),
        TagStep::Move(before) => ("moves", Some(("before", json!(before)))),
        TagStep::Leave(higher) => ("stays", Some(("higher", json!(higher)))),
    };
    let mut fields = Map::from_iter([("tag".to_owned(), json!(tag)), ("step".to_owned(), json!(word))]);
    fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(fields)
}
