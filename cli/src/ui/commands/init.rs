//! `init`: a new connector repository, asking only for what no flag says.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use super::{Answer, Context, Verb};
use crate::publisher::build::{self, TOOLCHAINS, Toolchain};
use crate::publisher::scaffold::{Scaffold, scaffold};
use crate::ui::args::examples;
use crate::ui::report::{Failure, Outcome, shown};

/// Make a new connector repository with two operations and two actions.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub init aileron-connector-weather",
    "aileron-pub init aileron-connector-weather --owner acme --language go --yes"
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
    /// Take defaults instead of asking.
    #[arg(short, long)]
    yes: bool,
    /// Do not make a git repository.
    #[arg(long)]
    no_git: bool,
}

/// The toolchains that have a skeleton.
fn scaffolded() -> impl Iterator<Item = &'static dyn Toolchain> {
    TOOLCHAINS.into_iter().filter(|toolchain| toolchain.template().files().next().is_some())
}

/// The same, as `--language` names them.
fn languages() -> PossibleValuesParser {
    scaffolded().map(|toolchain| PossibleValue::new(toolchain.name()).help(toolchain.summary())).into()
}

impl Verb for Init {
    fn run(self, context: &Context) -> Answer {
        let ask = !self.yes && std::io::stdin().is_terminal();
        let owner = owner(self.owner, ask)?;
        let toolchain = match self.language.as_deref().and_then(build::named) {
            Some(toolchain) => toolchain,
            None if ask => ask_toolchain()?,
            None => return Err(Failure::usage("no --language given").next(flags())),
        };
        let service = self.service.unwrap_or_else(|| service(&self.dir));
        let request = Scaffold {
            dir: self.dir.clone(),
            publisher: self.publisher.unwrap_or_else(|| owner.clone()),
            owner,
            service,
            template: toolchain.template(),
            git: !self.no_git,
        };
        let made = scaffold(&request, context.spawner())?;
        let dir = shown(&self.dir);
        let files: Vec<String> = made.files.iter().map(|file| file.display().to_string()).collect();
        let mut text: String = files.iter().map(|file| format!("  {file}\n")).collect();
        let commit = if made.git { ", with one commit" } else { "" };
        text.push_str(&format!(
            "made {dir}{commit}\nnext:\n  cd {dir}\n  aileron-pub keys generate --out FILE-OUTSIDE-THE-REPOSITORY\n  git add keys && git commit -m \"publisher key\"\n  aileron-pub check\n"
        ));
        let name = format!("github://{}/aileron-connector-{}", request.owner, request.service);
        Ok(Outcome::new(text, json!({"dir": dir, "name": name, "files": files, "git": made.git})))
    }
}

fn owner(owner: Option<String>, ask: bool) -> Result<String, Failure> {
    let question = inquire::Text::new("GitHub owner (user or organisation):");
    match owner {
        Some(owner) => Ok(owner),
        None if ask => question.prompt().map_err(|_| Failure::usage("no answer given")),
        None => Err(Failure::usage("no --owner given").next("pass --owner NAME")),
    }
}

/// `pass --language go or --language wat`.
fn flags() -> String {
    let flags: Vec<String> = scaffolded().map(|toolchain| format!("--language {}", toolchain.name())).collect();
    format!("pass {}", flags.join(" or "))
}

fn ask_toolchain() -> Result<&'static dyn Toolchain, Failure> {
    let choices: Vec<&str> = scaffolded().map(|toolchain| toolchain.choice()).collect();
    let answer = inquire::Select::new("Language:", choices).raw_prompt();
    let answer = answer.map_err(|_| Failure::usage("no answer given"))?;
    scaffolded().nth(answer.index).ok_or_else(|| Failure::usage("no answer given"))
}

/// `weather` for `…/aileron-connector-weather`.
fn service(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix("aileron-connector-").map(str::to_owned).unwrap_or(name)
}
