//! `aegis init`: a new repository of a plugin or a connector.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use aileron_verifier::aegis::Kind;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use super::verify;
use crate::publisher::aegis::scaffold::{
    self, Extension, ExtensionScaffold, NewExtension, PROFILES, Profile, SDK_LICENSE, SDK_VERSION,
};
use crate::ui::args::examples;
use crate::ui::commands::asking::{choice, line};
use crate::ui::commands::{Answer, Context, OnInterrupt, Verb};
use crate::ui::report::{Failure, Outcome, shown};

/// What the SDK is distributed under, and what is proposed.
const USUAL_LICENSE: &str = "GPL-3.0-only";

/// Make a new repository of a Squad Aegis plugin or connector, in Go: all methods, tests that need no host, manifest, workflow.
///
/// On a terminal, what no flag says is asked. Elsewhere nothing is asked: all that is missing is named at once. The SDK is
/// pinned to one commit and fetched by `go mod tidy`, not by this command.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis init plugin chat-watch --id com.yourorg.plugins.chat-watch --license GPL-3.0-only --profile chat-moderator --yes",
    "aileron-pub aegis init plugin pings --id com.yourorg.plugins.pings --profile connector-consumer --command --yes",
    "aileron-pub aegis init connector bans --id com.yourorg.connectors.bans"
))]
pub(crate) struct Init {
    /// plugin: runs against a game server; connector: answers requests of plugins.
    #[arg(value_name = "plugin|connector", value_parser = verify::kind)]
    kind: Kind,
    /// Directory to make.
    dir: PathBuf,
    /// Its id, which never changes: com.yourorg.plugins.NAME or com.yourorg.connectors.NAME.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The name operators see [default: from DIR's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its license, as SPDX has it. The SDK it links is GPL-3.0.
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// What a new plugin does, and which capabilities it needs.
    #[arg(long, value_parser = profiles())]
    profile: Option<String>,
    /// Give a plugin commands that an operator can run: one that answers at once, one that goes on.
    #[arg(long)]
    command: bool,
    /// Take defaults instead of asking.
    #[arg(short, long)]
    yes: bool,
    /// List the files, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

fn profiles() -> PossibleValuesParser {
    PROFILES.iter().map(|profile| PossibleValue::new(profile.name).help(profile.about)).into()
}

/// What was said, by flags so far.
#[derive(Clone)]
struct Said {
    kind: Kind,
    id: Option<String>,
    name: Option<String>,
    license: Option<String>,
    profile: Option<&'static Profile>,
}

impl Said {
    /// Flags that are missing, each with a value that shows its form.
    fn missing(&self, dir: &Path) -> Vec<(&'static str, String)> {
        [
            (self.id.is_none(), "--id", format!("com.yourorg.{}s.{}", self.kind, slug(dir))),
            (self.name.is_none(), "--name", title(dir)),
            (self.license.is_none(), "--license", USUAL_LICENSE.to_owned()),
            (self.profile.is_none() && self.kind == Kind::Plugin, "--profile", PROFILES[0].name.to_owned()),
        ]
        .into_iter()
        .filter_map(|(is_missing, flag, value)| is_missing.then_some((flag, value)))
        .collect()
    }

    /// What is not said has its usual value; an id has none.
    fn with_defaults(mut self, dir: &Path) -> Said {
        self.name.get_or_insert_with(|| title(dir));
        self.license.get_or_insert_with(|| USUAL_LICENSE.to_owned());
        if self.kind == Kind::Plugin {
            self.profile.get_or_insert(&PROFILES[0]);
        }
        self
    }

    /// Asks for all that is not said yet.
    fn asked(mut self, dir: &Path) -> Result<Said, Failure> {
        let kind = self.kind;
        if self.id.is_none() {
            let question = format!("Id, which never changes, as in com.yourorg.{kind}s.{}:", slug(dir));
            let judge = move |id: &str| scaffold::id_is_refused(kind, id).map_or(Ok(()), Err);
            self.id = Some(line(&question, None, judge)?);
        }
        if self.name.is_none() {
            self.name = Some(line("Name that operators see:", Some(&title(dir)), |_| Ok(()))?);
        }
        if self.license.is_none() {
            let question = format!("License ({SDK_LICENSE}):");
            self.license = Some(line(&question, Some(USUAL_LICENSE), |_| Ok(()))?);
        }
        if self.profile.is_none() && kind == Kind::Plugin {
            let choices = PROFILES.iter().map(|profile| format!("{} ({})", profile.name, profile.about)).collect();
            self.profile = PROFILES.get(choice("What it does:", choices)?);
        }
        Ok(self)
    }
}

impl Init {
    fn said(&self) -> Said {
        let profile = self.profile.as_deref().and_then(Profile::named);
        let (id, name, license) = (self.id.clone(), self.name.clone(), self.license.clone());
        Said { kind: self.kind, id, name, license, profile }
    }

    /// The command with what is missing added, to be pasted and corrected.
    fn line(&self, missing: &[(&'static str, String)]) -> String {
        let mut words = vec![format!("aileron-pub aegis init {} {}", self.kind, word(&shown(&self.dir)))];
        let given =
            [("--id", &self.id), ("--name", &self.name), ("--license", &self.license), ("--profile", &self.profile)];
        let given = given.into_iter().filter_map(|(flag, value)| Some((flag, value.clone()?)));
        words.extend(given.chain(missing.iter().cloned()).map(|(flag, value)| format!("{flag} {}", word(&value))));
        words.extend(self.command.then(|| "--command".to_owned()));
        words.extend(self.yes.then(|| "--yes".to_owned()));
        words.join(" ")
    }

    /// Everything that is needed, from flags, then defaults, then questions.
    fn request(&self) -> Result<ExtensionScaffold, Failure> {
        let mut said = self.said();
        if self.yes {
            said = said.with_defaults(&self.dir);
        } else if std::io::stdin().is_terminal() {
            let line = || self.line(&self.said().missing(&self.dir));
            said = said.asked(&self.dir).map_err(|failure| failure.next(line()))?;
        }
        let missing = said.missing(&self.dir);
        let extension = match (self.kind, said.profile) {
            (Kind::Plugin, Some(profile)) => Some(Extension::Plugin { profile, has_commands: self.command }),
            (Kind::Plugin, None) => None,
            (Kind::Connector, _) => Some(Extension::Connector),
        };
        let (Some(id), Some(name), Some(license), Some(extension)) = (said.id, said.name, said.license, extension)
        else {
            let flags: Vec<&str> = missing.iter().map(|(flag, _)| *flag).collect();
            let failure = Failure::usage(format!("not given: {}", flags.join(", "))).next(self.line(&missing));
            let wants_license = flags.contains(&"--license");
            return Err(if wants_license { failure.evidence(format!("  license: {SDK_LICENSE}")) } else { failure });
        };
        Ok(ExtensionScaffold { dir: self.dir.clone(), extension, id, name, license })
    }

    /// What only plugins have.
    fn must_fit(&self) -> Result<(), Failure> {
        let flag = match self.kind {
            Kind::Plugin => return Ok(()),
            Kind::Connector if self.profile.is_some() => "--profile",
            Kind::Connector if self.command => "--command",
            Kind::Connector => return Ok(()),
        };
        Err(Failure::usage(format!(
            "a connector has no {flag}: it gets no events, and operators run no commands of it"
        ))
        .next(format!("leave {flag} out, or make a plugin: aileron-pub aegis init plugin {}", word(&shown(&self.dir)))))
    }
}

impl Verb for Init {
    fn run(self, _: &Context) -> Answer {
        self.must_fit()?;
        // No questions for a directory that is in use.
        scaffold::can_receive(&self.dir)?;
        let request = self.request()?;
        let made = if self.dry_run { scaffold::preview(&request)? } else { scaffold::scaffold(&request)? };
        let NewExtension { files, warnings, binary } = &made;
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let dir = shown(&self.dir);
        let fields = json!({
            "dir": dir, "kind": self.kind.as_str(), "id": request.id, "name": request.name, "license": request.license,
            "sdk": SDK_VERSION, "sdk_license": "GPL-3.0", "binary": binary, "files": files, "warnings": warnings,
            "dry_run": self.dry_run,
        });
        let mut text: String = files.iter().map(|file| format!("  {file}\n")).collect();
        text.extend(warnings.iter().map(|warning| format!("warning: {warning}\n")));
        if self.dry_run {
            return Ok(Outcome::new(format!("{text}would make {dir}; nothing was written\n"), fields));
        }
        text.push_str(&format!(
            "made {dir}\nlicense: {} in manifest.json; {SDK_LICENSE}\nnext:\n  cd {}\n  git init && go mod tidy\n  go test ./...\n  aileron-pub aegis check\n",
            request.license,
            word(&dir),
        ));
        Ok(Outcome::new(text, fields))
    }

    /// What is made appears in one step.
    fn on_interrupt(&self) -> OnInterrupt {
        OnInterrupt::Exit
    }
}

/// The last name of a path.
fn last(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `chat-watch` for `…/Chat Watch`: what may stand in an id.
fn slug(dir: &Path) -> String {
    let is_allowed = |char: char| char.is_ascii_alphanumeric();
    let name = last(dir).to_ascii_lowercase();
    let words: Vec<&str> = name.split(|char| !is_allowed(char)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "name".to_owned() } else { words.join("-") }
}

/// `Chat Watch` for `…/chat-watch`.
fn title(dir: &Path) -> String {
    let name = last(dir);
    let words = name.split(['-', '_', ' ']).filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    });
    let title = words.collect::<Vec<_>>().join(" ");
    if title.chars().any(char::is_alphanumeric) { title } else { "My extension".to_owned() }
}

/// A word as a shell takes it.
fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |char: char| char.is_alphanumeric() || "-_./:@+,=".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_a_name_and_the_end_of_an_id() {
        for (dir, wanted_title, wanted_slug) in [
            ("chat-watch", "Chat Watch", "chat-watch"),
            ("/srv/My Bot_2", "My Bot 2", "my-bot-2"),
            ("x/élan", "Élan", "lan"),
            ("/", "My extension", "name"),
            ("--", "My extension", "name"),
        ] {
            assert_eq!((title(Path::new(dir)).as_str(), slug(Path::new(dir)).as_str()), (wanted_title, wanted_slug));
        }
        assert_eq!(
            (word("a-b"), word("a b"), word("it's"), word("")),
            ("a-b".into(), "'a b'".into(), r"'it'\''s'".into(), "''".into())
        );
    }
}
