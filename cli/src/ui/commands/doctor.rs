//! `doctor`: everything a release rests on, looked at before one is made.

use std::path::PathBuf;

use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::json;

use super::registry::{token_of, with_client};
use super::{Answer, Context, Verb};
use crate::event::{Event, counted};
use crate::github::RepositorySettings;
use crate::publisher::config::Config;
use crate::publisher::doctor::files::{self, MissingFile};
use crate::publisher::doctor::on_github::{self, Expectations};
use crate::publisher::doctor::{Finding, Verdict, count, local};
use crate::publisher::forge::ForgeError;
use crate::publisher::lint;
use crate::publisher::project::{Project, Reading};
use crate::publisher::release::client_secret_names;
use crate::publisher::sign::OsKeychain;
use crate::publisher::{keys, project};
use crate::sys::disk;
use crate::ui::args::{GitHubFlags, SigningFlags, examples};
use crate::ui::report::table::table;
use crate::ui::report::{Exit, Failure, Outcome};

/// Look at everything a release rests on: git, remote, toolchain, key, workflows, and the repository's settings on GitHub.
///
/// Each finding comes with its command. Nothing on GitHub is changed; --fix makes files that are missing, and leaves those
/// that differ. Exit code 6 when something is wrong.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub doctor",
    "aileron-pub doctor --offline --key ../publisher.key",
    "aileron-pub doctor --fix"
))]
pub(crate) struct Doctor {
    /// The key.
    #[command(flatten)]
    signing: SigningFlags,
    /// Make files that are missing: workflows, keys/README.md. Nothing is written over.
    #[arg(long)]
    fix: bool,
    /// Do not ask GitHub.
    #[arg(long, conflicts_with_all = ["api_url", "token_file"])]
    offline: bool,
    /// Which GitHub, as whom.
    #[command(flatten)]
    github: GitHubFlags,
}

impl Verb for Doctor {
    fn run(self, context: &Context) -> Answer {
        let mut project = context.project(Reading::WorkTree)?;
        let Some(name) = lint::name(&project) else {
            return Err(Failure::from(lint::check(project, None, &[])));
        };
        let config = lint::config(&project).unwrap_or_default();
        let mut looked = look_at_files(&project, &name, &config, context)?;
        let mut made = Vec::new();
        if self.fix && !looked.missing.is_empty() {
            made = make(&project, &looked.missing)?;
            project = context.project(Reading::WorkTree)?;
            looked = look_at_files(&project, &name, &config, context)?;
        }
        let (on_github, requests) = self.look_at_github(&project, &name, &config, context)?;
        let variable = |name: &str| context.environment.secret(name);
        let looks = local::KeyLooks { flag: self.signing.key.as_deref(), variable: &variable, keychain: &OsKeychain };
        let mut findings = vec![local::git(&project), local::remote(&project, &name)];
        findings.push(local::toolchain(&project, &config, context.spawner()));
        findings.extend(looks.look(&project, &name, &config));
        findings.extend(looked.findings);
        findings.push(local::rules(project));
        findings.extend(on_github);
        Ok(outcome(&findings, &made, requests))
    }
}

impl Doctor {
    /// What GitHub says, and in how many requests.
    fn look_at_github(
        &self,
        project: &Project,
        name: &Fqn,
        config: &Config,
        context: &Context,
    ) -> Result<(Vec<Finding>, usize), Failure> {
        if self.offline || name.scheme() != Scheme::Github {
            return Ok((Vec::new(), 0));
        }
        let Some(token) = token_of(&self.github, context)? else {
            let message = "not asked: there is no token";
            return Ok((vec![Finding::unknown("repository", message, "gh auth login, or set GH_TOKEN")], 0));
        };
        context.progress.take(Event::Note("asking GitHub".to_owned()));
        let commit = project.history.as_ref().ok().map(|history| history.commit.to_string());
        let expected = Expectations {
            name,
            wants_approval: config.wants_approval(),
            commit: commit.as_deref(),
            key: keys::committed(&project.root).ok(),
            client_secret: client_secret_names(project, config),
        };
        let asked = with_client(&self.github, &token, context, |client| {
            let findings = on_github::look(&RepositorySettings::new(client, name), &expected)?;
            Ok((findings, client.reads()))
        });
        match asked {
            Err(error @ (ForgeError::Interrupted | ForgeError::NoToken | ForgeError::BadAddress(_))) => {
                Err(Failure::from(&error))
            }
            Err(error) => Ok((vec![Finding::unknown("repository", error.to_string(), "gh auth status")], 0)),
            asked => asked.map_err(|error| Failure::from(&error)),
        }
    }
}

fn look_at_files(project: &Project, name: &Fqn, config: &Config, context: &Context) -> Result<files::Files, Failure> {
    let looked = files::look(project, name, config, context.spawner());
    looked.map_err(|error| Failure::from(&project::LoadError::from(error)))
}

/// Makes what is missing; what came to be there meanwhile stays.
fn make(project: &Project, missing: &[MissingFile]) -> Result<Vec<String>, Failure> {
    let mut made = Vec::new();
    for MissingFile { path, text } in missing {
        let place: PathBuf = project.root.join(path);
        if !disk::is_there(&place)? {
            disk::write(&place, text.as_bytes())?;
            made.push(path.clone());
        }
    }
    Ok(made)
}

fn outcome(findings: &[Finding], made: &[String], requests: usize) -> Outcome {
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| vec![finding.check.to_owned(), finding.verdict.as_str().to_owned(), finding.message.clone()])
        .collect();
    let mut text = table(&["what", "verdict", ""], &rows);
    let commands = findings.iter().filter_map(|finding| Some((finding, finding.command.as_ref()?)));
    for (at, (finding, command)) in commands.enumerate() {
        let first = if at == 0 { "\nnext:\n" } else { "" };
        text.push_str(&format!("{first}  {:<13}  {command}\n", finding.check));
    }
    made.iter().for_each(|path| text.push_str(&format!("made {path}\n")));
    let [problems, notes, unknown] =
        [Verdict::Problem, Verdict::Note, Verdict::Unknown].map(|kind| count(findings, kind));
    text.push_str(&format!("\n{}, {}, {unknown} unknown\n", counted(problems, "problem"), counted(notes, "note")));
    let fields = json!({
        "findings": findings,
        "problems": problems,
        "notes": notes,
        "unknown": unknown,
        "made": made,
        "requests": requests,
    });
    let failure = (problems > 0).then(|| {
        let is = if problems == 1 { "is" } else { "are" };
        let message = format!("{} {is} in the way of a safe release", counted(problems, "problem"));
        Failure::new(Class::ValidationError, Exit::Policy, message).next("the commands above, then aileron-pub doctor")
    });
    Outcome::new(text, fields).with_failure(failure)
}
