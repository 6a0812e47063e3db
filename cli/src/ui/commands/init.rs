//! `init`: a new connector repository, asking only for what no flag says.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use aileron_verifier::artifact::config::Signing;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use super::{Answer, Context, Verb};
use crate::publisher::build::{self, TOOLCHAINS, Toolchain};
use crate::publisher::scaffold::{self, Credential, Operation, PRESETS, Preset, Scaffold, USUAL_SIGNING};
use crate::ui::args::examples;
use crate::ui::report::{Failure, Outcome, shown};

mod adopt;
mod questions;

/// Make a new connector repository: connector, actions, recordings, workflows.
///
/// On a terminal, what no flag says is asked. Elsewhere nothing is asked: all that is missing is named at once.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub init aileron-connector-weather",
    "aileron-pub init aileron-connector-weather --owner acme --language go --yes",
    "aileron-pub init --adopt . --dry-run",
    "aileron-pub init aileron-connector-github --owner acme --language rust --preset github --yes",
    "aileron-pub init aileron-connector-tea --owner acme --language zig --credential api_key --op get_tea --op pour:gated --signing approve"
))]
pub(crate) struct Init {
    /// Directory to make; by convention aileron-connector-SERVICE.
    dir: PathBuf,
    /// Who publishes: the GitHub user or organisation.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The service it connects to [default: from DIR's name].
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Display name in the manifest [default: the owner].
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// What the connector is written in.
    #[arg(long, value_parser = languages())]
    language: Option<String>,
    /// A service whose endpoints are filled in, with what to register there.
    #[arg(long, value_parser = presets())]
    preset: Option<String>,
    /// What the host adds to the connector's requests.
    #[arg(long, value_name = "KIND", value_parser = credentials())]
    credential: Option<String>,
    /// The client id of your OAuth app; for --credential oauth2.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// An operation, with an action of its own; `:gated` asks the user before each call. ping and about need no network.
    /// Repeatable.
    #[arg(long = "op", value_name = "NAME[:gated]")]
    operations: Vec<Operation>,
    /// Who signs releases.
    #[arg(long, value_parser = signings())]
    signing: Option<String>,
    /// Take defaults instead of asking.
    #[arg(short, long)]
    yes: bool,
    /// List the files, and write nothing; with --adopt, show the difference.
    #[arg(long)]
    dry_run: bool,
    /// Let the existing repository in DIR release with this tool: write the workflow, and settings where they are needed.
    #[arg(long, conflicts_with_all = ["owner", "service", "publisher", "preset", "credential", "client_id", "operations", "no_git"])]
    adopt: bool,
    /// Do not make a git repository.
    #[arg(long)]
    no_git: bool,
}

/// The toolchains, as `--language` names them.
fn languages() -> PossibleValuesParser {
    TOOLCHAINS.iter().map(|toolchain| PossibleValue::new(toolchain.name()).help(toolchain.summary())).into()
}

fn presets() -> PossibleValuesParser {
    PRESETS.iter().map(|preset| PossibleValue::new(preset.name).help(preset.title)).into()
}

fn credentials() -> PossibleValuesParser {
    Credential::ALL.into_iter().map(|kind| PossibleValue::new(kind.as_str()).help(kind.summary())).into()
}

fn signings() -> PossibleValuesParser {
    Signing::ALL.into_iter().map(|who| PossibleValue::new(who.as_str()).help(signing_summary(who))).into()
}

fn signing_summary(signing: Signing) -> &'static str {
    match signing {
        Signing::Approve => "CI builds and proposes, a person signs on a machine of their own",
        Signing::Ci => "CI has the signing key: everyone who can change the workflow can sign",
    }
}

/// What was said, by flags so far.
struct Said {
    owner: Option<String>,
    toolchain: Option<&'static dyn Toolchain>,
    preset: Option<&'static Preset>,
    credential: Option<Credential>,
    client_id: Option<String>,
    operations: Vec<Operation>,
    signing: Option<Signing>,
}

impl Said {
    /// What is not said has its usual value; who publishes, in what, and which OAuth app it is has none.
    fn with_defaults(mut self) -> Said {
        let usual = match self.toolchain.map(Toolchain::name) {
            Some("wat") => Credential::None,
            _ => Credential::ApiKey,
        };
        let usual = self.preset.map_or(usual, |preset| preset.credentials[0]);
        let credential = *self.credential.get_or_insert(usual);
        if self.operations.is_empty() {
            self.operations = usual_operations(self.preset, credential);
        }
        self.signing.get_or_insert(USUAL_SIGNING);
        self
    }

    /// Flags that are missing, each with a value that shows its form.
    fn missing(&self) -> Vec<(&'static str, String)> {
        let language = self.toolchain.map_or("go", Toolchain::name);
        let credential = self.credential.or(self.preset.map(|preset| preset.credentials[0]));
        let example = credential.unwrap_or(if language == "wat" { Credential::None } else { Credential::ApiKey });
        let operations = usual_operations(self.preset, example);
        let operations: Vec<String> = operations.iter().map(ToString::to_string).collect();
        let wants_client = example == Credential::Oauth2 && self.client_id.is_none();
        [
            (self.owner.is_none(), "--owner", "OWNER".to_owned()),
            (self.toolchain.is_none(), "--language", language.to_owned()),
            (self.credential.is_none(), "--credential", example.as_str().to_owned()),
            (wants_client, "--client-id", "CLIENT_ID".to_owned()),
            (self.operations.is_empty(), "--op", operations.join(" --op ")),
            (self.signing.is_none(), "--signing", USUAL_SIGNING.as_str().to_owned()),
        ]
        .into_iter()
        .filter_map(|(is_missing, flag, value)| is_missing.then_some((flag, value)))
        .collect()
    }
}

/// The operations of a connector about which nothing is said.
fn usual_operations(preset: Option<&Preset>, credential: Credential) -> Vec<Operation> {
    match preset {
        Some(preset) => vec![Operation { name: preset.operation.name.to_owned(), gated: false }],
        None => Operation::usual(credential),
    }
}

impl Init {
    fn said(&self) -> Said {
        Said {
            owner: self.owner.clone(),
            toolchain: self.language.as_deref().and_then(build::named),
            preset: self.preset.as_deref().and_then(Preset::named),
            credential: self.credential.as_deref().and_then(credential_named),
            client_id: self.client_id.clone(),
            operations: self.operations.clone(),
            signing: self.signing.as_deref().and_then(signing_named),
        }
    }

    /// The command with what is missing added, to be pasted and corrected.
    fn command(&self, missing: &[(&'static str, String)]) -> String {
        let dir = shown(&self.dir);
        let mut words = vec![format!("aileron-pub init {dir}")];
        let given = [
            ("--owner", &self.owner),
            ("--service", &self.service),
            ("--publisher", &self.publisher),
            ("--language", &self.language),
            ("--preset", &self.preset),
            ("--credential", &self.credential),
            ("--client-id", &self.client_id),
        ];
        let given = given.into_iter().filter_map(|(flag, value)| Some((flag, value.clone()?)));
        let operations = self.operations.iter().map(|operation| ("--op", operation.to_string()));
        let signing = self.signing.iter().map(|signing| ("--signing", signing.clone()));
        let all = given.chain(operations).chain(signing).chain(missing.iter().cloned());
        words.extend(all.map(|(flag, value)| format!("{flag} {value}")));
        words.extend(self.yes.then(|| "--yes".to_owned()));
        words.join(" ")
    }

    /// Everything that is needed, from flags, then defaults, then questions.
    fn request(&self) -> Result<Scaffold, Failure> {
        let mut said = self.said();
        if self.yes {
            said = said.with_defaults();
        }
        if !self.yes && std::io::stdin().is_terminal() {
            said = questions::ask(said).map_err(|failure| failure.next(self.command(&self.said().missing())))?;
        }
        let missing = said.missing();
        let (Some(owner), Some(toolchain), Some(credential), Some(signing), true) =
            (said.owner, said.toolchain, said.credential, said.signing, missing.is_empty())
        else {
            let flags: Vec<&str> = missing.iter().map(|(flag, _)| *flag).collect();
            return Err(Failure::usage(format!("not given: {}", flags.join(", "))).next(self.command(&missing)));
        };
        Ok(Scaffold {
            dir: self.dir.clone(),
            service: self.service.clone().unwrap_or_else(|| service(&self.dir)),
            publisher: self.publisher.clone().unwrap_or_else(|| owner.clone()),
            owner,
            template: toolchain.template(),
            git: !self.no_git,
            credential,
            operations: said.operations,
            signing,
            preset: said.preset,
            client_id: said.client_id,
        })
    }
}

impl Verb for Init {
    fn run(self, context: &Context) -> Answer {
        if self.adopt {
            let signing = self.signing.as_deref().and_then(signing_named).unwrap_or(USUAL_SIGNING);
            let language = self.language.as_deref().and_then(build::named);
            return adopt::adopt(self.dir, language, signing, self.dry_run, context);
        }
        // No questions for a directory that is in use.
        scaffold::can_receive(&self.dir)?;
        let request = self.request()?;
        let name = format!("github://{}/aileron-connector-{}", request.owner, request.service);
        let dir = shown(&self.dir);
        let list = |files: &[PathBuf]| files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        if self.dry_run {
            let files = list(&scaffold::preview(&request)?);
            let text: String = files.iter().map(|file| format!("  {file}\n")).collect();
            let fields = json!({"dir": dir, "name": name, "files": files, "git": false, "dry_run": true});
            return Ok(Outcome::new(format!("{text}would make {dir}; nothing was written\n"), fields));
        }
        let made = scaffold::scaffold(&request, context.spawner())?;
        let files = list(&made.files);
        let mut text: String = files.iter().map(|file| format!("  {file}\n")).collect();
        let commit = if made.git { ", with one commit" } else { "" };
        text.push_str(&format!(
            "made {dir}{commit}\nnext:\n  cd {dir}\n  aileron-pub keys generate --out FILE-OUTSIDE-THE-REPOSITORY\n  git add keys README.md && git commit -m \"publisher key\"\n  aileron-pub check\n"
        ));
        Ok(Outcome::new(text, json!({"dir": dir, "name": name, "files": files, "git": made.git, "dry_run": false})))
    }
}

fn credential_named(name: &str) -> Option<Credential> {
    Credential::ALL.into_iter().find(|kind| kind.as_str() == name)
}

fn signing_named(name: &str) -> Option<Signing> {
    Signing::ALL.into_iter().find(|signing| signing.as_str() == name)
}

/// `weather` for `…/aileron-connector-weather`.
fn service(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix("aileron-connector-").map(str::to_owned).unwrap_or(name)
}
