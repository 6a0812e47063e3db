//! A new repository of a plugin or a connector, from embedded skeletons. aegis-bundle.md §13, §19.4.
//!
//! All of it or nothing, by what every skeleton is made with. Rules are not repeated here: the new manifest is held against
//! those of publishing.

use std::path::{Path, PathBuf};

use aileron_verifier::aegis::lint::{self, Checksums};
use aileron_verifier::aegis::{Kind, MANIFEST, path};
use aileron_verifier::problem::{Class, Problem, Severity};
use aileron_verifier::text::printable;
use minijinja::context;

use crate::publisher::scaffold::SkeletonError;
use crate::publisher::scaffold::skeleton::{Engine, NewFile, TargetDir, write};

/// The SDK that new repositories ask for: aegis-bundle.md §19.4.
pub const SDK_VERSION: &str = "v0.0.0-20260518135713-25c95d86a9a9";
/// What is said wherever a license is asked for.
pub const SDK_LICENSE: &str =
    "the SDK is GPL-3.0 and becomes part of every bundle: distribute bundles under compatible terms";
/// Longest name and license.
const LONGEST_TEXT: usize = 200;

/// What a new plugin does.
#[derive(Debug)]
pub struct Profile {
    /// As it is written on a command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// What it needs of a host.
    capabilities: &'static [&'static str],
    /// Whether it works on its own.
    is_long_running: bool,
}

/// Every profile, in the order of the product document's table.
pub static PROFILES: [Profile; 5] = [
    Profile {
        name: "chat-moderator",
        about: "Warns players who use a listed word, and kicks them at the third time",
        capabilities: &["api.rcon", "api.log", "events.rcon"],
        is_long_running: false,
    },
    Profile {
        name: "discord-relay",
        about: "Sends chat messages to a Discord channel",
        capabilities: &["api.rcon", "api.discord", "events.rcon"],
        is_long_running: false,
    },
    Profile {
        name: "connector-consumer",
        about: "Asks a connector something at intervals",
        capabilities: &["api.connector"],
        is_long_running: true,
    },
    Profile {
        name: "system-monitor",
        about: "Logs who comes and goes, and which squads there are",
        capabilities: &["api.log", "events.system"],
        is_long_running: false,
    },
    Profile {
        name: "player-data",
        about: "Counts each player's messages in the host's database, and tells them when asked",
        capabilities: &["api.rcon", "api.server", "api.database", "events.rcon"],
        is_long_running: false,
    },
];

impl Profile {
    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name)
    }
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub enum Extension {
    /// A plugin.
    Plugin {
        /// What it does.
        profile: &'static Profile,
        /// Whether an operator can run commands of it: one of each kind.
        has_commands: bool,
    },
    /// A connector.
    Connector,
}

impl Extension {
    /// Its kind.
    pub fn kind(self) -> Kind {
        match self {
            Extension::Plugin { .. } => Kind::Plugin,
            Extension::Connector => Kind::Connector,
        }
    }

    /// The trees that its files are in.
    fn trees(self) -> Vec<&'static str> {
        match self {
            Extension::Plugin { profile, has_commands } => {
                let commands = if has_commands { "with-commands" } else { "without-commands" };
                vec!["common", "plugin", profile.name, commands]
            }
            Extension::Connector => vec!["common", "connector"],
        }
    }
}

/// A repository to be made.
#[derive(Clone, Debug)]
pub struct ExtensionScaffold {
    /// The repository's root: a directory that is empty, holds nothing but `.git`, or does not exist yet.
    pub dir: PathBuf,
    /// What it is.
    pub extension: Extension,
    /// The manifest's id.
    pub id: String,
    /// The manifest's name; one line.
    pub name: String,
    /// The manifest's license; one line.
    pub license: String,
}

/// A repository that was made, or would be.
#[derive(Clone, Debug)]
pub struct NewExtension {
    /// Its files, relative to the root, sorted.
    pub files: Vec<PathBuf>,
    /// What is not wrong and worth a second look, each with what to do.
    pub warnings: Vec<String>,
    /// The name of the executable.
    pub binary: String,
}

/// Why no repository was made.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionScaffoldError {
    /// Class `usage_error`: what a manifest may not say.
    #[error("{}", told(.0))]
    Manifest(Box<Problem>),
    /// Class `usage_error`.
    #[error(
        "\"{}\" is not a {what}: one line with something in it, of at most {LONGEST_TEXT} characters",
        printable(.text)
    )]
    Text {
        /// What it was meant for.
        what: &'static str,
        /// What was given.
        text: String,
    },
    /// Class: what could not be made.
    #[error(transparent)]
    Skeleton(#[from] SkeletonError),
}

impl ExtensionScaffoldError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            ExtensionScaffoldError::Manifest(_) | ExtensionScaffoldError::Text { .. } => Class::UsageError,
            ExtensionScaffoldError::Skeleton(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ExtensionScaffoldError::Manifest(_) | ExtensionScaffoldError::Text { .. } => false,
            ExtensionScaffoldError::Skeleton(error) => error.is_retriable(),
        }
    }
}

/// Refuses a directory that a new repository cannot be in.
///
/// # Errors
/// [`SkeletonError`].
pub fn can_receive(dir: &Path) -> Result<(), ExtensionScaffoldError> {
    Ok(TargetDir::at(dir).map(drop)?)
}

/// What is wrong with an id, where something is.
pub fn id_is_refused(kind: Kind, id: &str) -> Option<String> {
    let manifest = serde_json::json!({ kind.id_member(): id });
    let checked = lint::manifest(MANIFEST, manifest.to_string().as_bytes(), Some(kind), Checksums::MayBeOpen);
    let is_about_id = |problem: &&Problem| {
        let id = problem.rule.id();
        problem.rule.severity() == Severity::Error && (id.starts_with("id.") || id.starts_with("text."))
    };
    checked.problems.iter().find(is_about_id).map(told)
}

/// Makes the repository. All of it, or nothing.
///
/// # Errors
/// [`ExtensionScaffoldError`]; the directory is then as it was.
pub fn scaffold(request: &ExtensionScaffold) -> Result<NewExtension, ExtensionScaffoldError> {
    let (files, made) = render(request)?;
    let target = TargetDir::at(&request.dir)?;
    let stage = target.stage()?;
    write(stage.path(), &files)?;
    target.receive(stage)?;
    Ok(made)
}

/// What [`scaffold`] would make, without writing anything.
///
/// # Errors
/// As [`scaffold`].
pub fn preview(request: &ExtensionScaffold) -> Result<NewExtension, ExtensionScaffoldError> {
    let (_, made) = render(request)?;
    TargetDir::at(&request.dir)?;
    Ok(made)
}

/// The files. Touches no disk.
fn render(request: &ExtensionScaffold) -> Result<(Vec<NewFile>, NewExtension), ExtensionScaffoldError> {
    let ExtensionScaffold { extension, id, name, license, .. } = request;
    for (what, text) in [("name", name), ("license", license)] {
        let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT;
        if !fits || text.chars().any(char::is_control) {
            return Err(ExtensionScaffoldError::Text { what, text: text.clone() });
        }
    }
    let kind = extension.kind();
    let engine = Engine::new()?;
    let binary = binary(kind, id);
    let (about, capabilities, long_running, command) = match extension {
        Extension::Plugin { profile, has_commands } => {
            (profile.about, profile.capabilities, profile.is_long_running, *has_commands)
        }
        Extension::Connector => ("Answers requests of plugins", &[][..], false, false),
    };
    let about = format!("{about}.");
    let capabilities = capabilities.iter().map(|name| json(name)).collect::<Vec<_>>().join(", ");
    let author = organisation(id).unwrap_or(name);
    let module = format!("{}/{binary}", home(id));
    let texts = context! {
        id => json(id), name => json(name), license => json(license),
        description => json(&about), author => json(author),
    };
    let words = context! {
        kind => kind.as_str(), id, name, license, about, capabilities, long_running, command,
        binary => &binary, module, sdk => SDK_VERSION, json => texts,
    };
    let fill = |(path, text): (&'static str, &str)| {
        Ok(NewFile { path: path.into(), text: engine.fill(path, text, &words)?, is_executable: false })
    };
    let files = aileron_templates::aegis(&extension.trees()).map(fill).collect::<Result<Vec<_>, SkeletonError>>();
    let mut files = files?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let manifest = files.iter().find(|file| file.path == Path::new(MANIFEST)).map_or("", |file| &file.text);
    let warnings = must_be_publishable(kind, manifest)?;
    let made = NewExtension { warnings, files: files.iter().map(|file| file.path.clone()).collect(), binary };
    Ok((files, made))
}

/// Holds a new manifest against every rule; gives the warnings.
fn must_be_publishable(kind: Kind, manifest: &str) -> Result<Vec<String>, ExtensionScaffoldError> {
    let checked = lint::manifest(MANIFEST, manifest.as_bytes(), Some(kind), Checksums::MayBeOpen);
    let mut warnings = Vec::new();
    for problem in checked.problems {
        if problem.rule.severity() == Severity::Error {
            return Err(ExtensionScaffoldError::Manifest(Box::new(problem)));
        }
        warnings.push(told(&problem));
    }
    Ok(warnings)
}

fn told(problem: &Problem) -> String {
    format!("{}: {}", problem.message, problem.rule.help())
}

/// A text as JSON has it.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The labels of an id in reverse-DNS form.
fn labels(id: &str) -> Option<Vec<&str>> {
    let labels: Vec<&str> = id.split('.').filter(|label| !label.is_empty()).collect();
    (labels.len() >= 3).then_some(labels)
}

/// `yourorg` of `com.yourorg.plugins.hello`.
fn organisation(id: &str) -> Option<&str> {
    Some(labels(id)?[1])
}

/// `yourorg.com` of `com.yourorg.plugins.hello`: what the module's path begins with. It is fetched from nowhere.
fn home(id: &str) -> String {
    let is_plain = |label: &&str| label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match labels(id).as_deref() {
        Some([top, name, ..]) if [top, name].into_iter().all(is_plain) => format!("{name}.{top}"),
        _ => "example.com".to_owned(),
    }
}

/// `hello-plugin` of `com.yourorg.plugins.hello`. Never one that tools take for a secret.
fn binary(kind: Kind, id: &str) -> String {
    let last = id.rsplit('.').next().unwrap_or_default();
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    let last: String = last.chars().filter(|char| is_allowed(*char)).collect::<String>().to_ascii_lowercase();
    let last = last.trim_matches(['-', '_']);
    let name = match last.strip_suffix(kind.as_str()) {
        Some(_) => last.to_owned(),
        None if last.is_empty() => format!("my-{kind}"),
        None => format!("{last}-{kind}"),
    };
    if path::is_secret_like(&name) { format!("aegis-{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Extension> {
        let plugins = PROFILES
            .iter()
            .flat_map(|profile| [false, true].map(|has_commands| Extension::Plugin { profile, has_commands }));
        plugins.chain([Extension::Connector])
    }

    fn request(extension: Extension, id: &str) -> ExtensionScaffold {
        let (name, license) = ("Häuser \"& Söhne\"".to_owned(), "GPL-3.0-only".to_owned());
        ExtensionScaffold { dir: "x".into(), extension, id: id.to_owned(), name, license }
    }

    fn text<'f>(files: &'f [NewFile], path: &str) -> &'f str {
        &files.iter().find(|file| file.path == Path::new(path)).unwrap_or_else(|| panic!("no {path}")).text
    }

    #[test] // aegis-bundle.md §13
    fn every_new_extension_is_publishable_and_has_its_id_once_in_the_source() {
        for extension in all() {
            let id = format!("com.acme.{}s.hello", extension.kind());
            let (files, made) = render(&request(extension, &id)).expect("renders");
            assert!(made.warnings.is_empty(), "{:?}", made.warnings);
            assert_eq!(made.binary, format!("hello-{}", extension.kind()));
            for file in &files {
                let (path, text) = (file.path.display(), &file.text);
                assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains("\n\n\n"), "{path}\n{text}");
                let is_workflow = path.to_string().ends_with(".yml");
                assert!(is_workflow || !text.contains("{{") && !text.contains("{%"), "{path}\n{text}");
            }
            let sources = files.iter().filter(|file| file.path.extension().is_some_and(|end| end == "go"));
            let in_source: usize = sources.map(|file| file.text.matches(&id).count()).sum();
            assert_eq!(in_source, 1, "{extension:?}");
            let manifest = text(&files, MANIFEST);
            assert_eq!(manifest.matches("REPLACE_WITH_BINARY_SHA256").count(), 2);
            assert!(text(&files, "go.mod").starts_with(&format!("module acme.com/{}\n", made.binary)));
            assert!(text(&files, "go.mod").contains(&format!("go.codycody31.dev/squad-aegis {SDK_VERSION}\n")));
            assert!(text(&files, "README.md").contains("is GPL-3.0"));
        }
    }

    #[test] // aegis-bundle.md §3.4
    fn an_id_is_refused_by_the_rules_of_publishing() {
        let plugin = Extension::Plugin { profile: &PROFILES[0], has_commands: false };
        for (extension, id, rule) in [
            (plugin, "", "text.blank"),
            (plugin, " a.b.c", "text.padding"),
            (plugin, "foo/bar", "id.charset"),
            (plugin, "a..b", "id.charset"),
            (plugin, "com.acme.\u{202e}x", "id.charset"),
            (plugin, "com.acme.\"; panic(\"", "id.charset"),
            (plugin, "fog_of_war", "id.reserved"),
            (Extension::Connector, "discord", "id.reserved"),
        ] {
            match render(&request(extension, id)) {
                Err(ExtensionScaffoldError::Manifest(problem)) => assert_eq!(problem.rule.id(), rule, "{id:?}"),
                other => panic!("{id:?}: {other:?}"),
            }
            assert!(id_is_refused(extension.kind(), id).is_some(), "{id:?}");
        }
        let (_, made) = render(&request(plugin, "hello")).expect("renders");
        assert!(made.warnings.len() == 1 && made.warnings[0].contains("reverse-DNS"), "{:?}", made.warnings);
        assert_eq!(id_is_refused(Kind::Plugin, "hello"), None);
    }

    #[test]
    fn a_name_and_a_license_are_one_line() {
        let good = request(Extension::Connector, "com.acme.connectors.hello");
        for text in ["", " \t", "a\nb", "a\u{1b}[2Jb", &"x".repeat(201)] {
            let name = ExtensionScaffold { name: text.to_owned(), ..good.clone() };
            assert!(matches!(render(&name), Err(ExtensionScaffoldError::Text { what: "name", .. })), "{text:?}");
            let license = ExtensionScaffold { license: text.to_owned(), ..good.clone() };
            assert!(matches!(render(&license), Err(ExtensionScaffoldError::Text { what: "license", .. })), "{text:?}");
        }
    }

    #[test] // aegis-bundle.md §12.3
    fn a_binary_has_a_name_that_no_tool_takes_for_a_secret() {
        for (id, name, module) in [
            ("com.acme.plugins.hello", "hello-plugin", "acme.com"),
            ("com.acme.plugins.ChatPlugin", "chatplugin", "acme.com"),
            ("com.acme.plugins.private_chat", "aegis-private_chat-plugin", "acme.com"),
            ("com.acme.plugins.con", "con-plugin", "acme.com"),
            ("com.Acme.plugins.x", "x-plugin", "example.com"),
            ("a-.-", "my-plugin", "example.com"),
            ("hello", "hello-plugin", "example.com"),
        ] {
            assert_eq!((binary(Kind::Plugin, id).as_str(), home(id).as_str()), (name, module), "{id}");
        }
    }
}
