//! go without the settings of the user: it has where modules come from, and nothing that decides the bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{GO, SOURCES, TOOLCHAIN, program, sources};
use crate::publisher::build::BuildError;
use crate::publisher::build::child::Tool;
use crate::sys::process::{Command, Finished, Spawner};

/// How to get it.
const ADVICE: &str = "install Go 1.24 or newer from https://go.dev/dl/";

/// No paths of this machine, and no state of a repository: a stamp would differ between a checkout and an export of the same
/// commit.
pub(crate) const NEUTRAL_FLAGS: [&str; 2] = ["-trimpath", "-buildvcs=false"];

/// No symbols.
pub(crate) const WITHOUT_SYMBOLS: &str = "-ldflags=-s -w";

const VERSION: &str = "GOVERSION";

/// Where modules and toolchains come from, and where they are kept. None of it shows in the result.
const ASKED: [&str; 9] =
    ["GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOMODCACHE", "GOCACHE", "GOPATH"];

/// Variables of the caller's that go may have. `GOROOT` is not among them: go finds its own, and another one compiles with
/// another release than the one recorded.
pub(in crate::publisher::build) const INHERITED: [&str; 10] = [
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOSUMDB",
    "GOINSECURE",
    TOOLCHAIN,
];

/// A module of a copied repository, as go works on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoPlace<'a> {
    /// The copied repository.
    pub(crate) copy: &'a Path,
    /// The module's directory, in `copy` or `copy` itself.
    pub(crate) base: &'a Path,
    /// What else an author without Go can do, as the end of a sentence; empty where there is nothing.
    pub(crate) instead: &'static str,
}

/// What the user's own go says before a build without the user's settings.
pub(crate) struct Asked {
    /// Its release: `go1.26.0`.
    pub(crate) version: String,
    /// Where modules come from and where they are kept, as variables.
    pub(in crate::publisher::build) places: Vec<(&'static str, String)>,
}

impl<'a> GoPlace<'a> {
    /// Refuses sources outside of the repository, then asks go about itself.
    ///
    /// # Errors
    /// [`BuildError`].
    pub(crate) fn ask(self, spawner: Spawner<'_>) -> Result<Asked, BuildError> {
        if !self.base.is_dir() {
            let below = self.base.strip_prefix(self.copy).unwrap_or(self.base);
            return Err(BuildError::NoDirectory(below.to_owned()));
        }
        sources::stay_inside(self, spawner)?;
        let asked = self.run(self.command(spawner).args(["env", "-json", VERSION]).args(ASKED))?;
        let unidentified = |detail: String| BuildError::Unidentified { program: GO, detail };
        let mut answers: BTreeMap<String, String> =
            serde_json::from_slice(&asked.stdout).map_err(|error| unidentified(error.to_string()))?;
        let version = answers
            .remove(VERSION)
            .filter(|version| !version.is_empty())
            .ok_or_else(|| unidentified(format!("it names no {VERSION}")))?;
        let places = ASKED.into_iter().filter_map(|name| Some((name, answers.remove(name)?)));
        Ok(Asked { version, places: places.filter(|(_, value)| !value.is_empty()).collect() })
    }

    /// go in the module's directory, with the workspace of the copy. A `toolchain` line of the repository downloads and runs
    /// nothing unless the caller's own variable says so.
    fn command(self, spawner: Spawner<'_>) -> Command<'_> {
        self.closed(program(spawner), spawner)
    }

    /// The same without a configuration of the user's: with what [`GoPlace::ask`] was told, and with these settings.
    pub(crate) fn settled<'s>(self, asked: &Asked, settings: &[(&str, &str)], spawner: Spawner<'s>) -> Command<'s> {
        let places = asked.places.iter().map(|(name, value)| (*name, value.as_str()));
        let command = self.command(spawner).env("GOENV", "off");
        places.chain(settings.iter().copied()).fold(command, |command, (name, value)| command.env(name, value))
    }

    /// A program that starts go, or is it, so that the repository alone says what is built.
    pub(in crate::publisher::build) fn closed<'s>(self, program: Command<'s>, spawner: Spawner<'s>) -> Command<'s> {
        let toolchain = spawner.environment.var(TOOLCHAIN).unwrap_or("local".as_ref());
        program.within(self.base).env("GOWORK", self.workspace()).env(TOOLCHAIN, toolchain)
    }

    /// The copy's own `go.work`, or `off`: one above the copy is not the repository's.
    pub(super) fn workspace(self) -> PathBuf {
        let own = [self.base, self.copy].map(|dir| dir.join("go.work"));
        own.into_iter().find(|file| file.is_file()).unwrap_or_else(|| "off".into())
    }

    /// Runs go to a good end.
    ///
    /// # Errors
    /// [`BuildError`], with go's own words and the repository's paths.
    pub(crate) fn run(self, command: Command<'_>) -> Result<Finished, BuildError> {
        let GoPlace { copy, base, instead } = self;
        let tool = Tool { program: GO, advice: ADVICE, instead, sources: &SOURCES, copy, base };
        tool.run(command).map_err(|error| match error {
            BuildError::Failed { program, status, mut output } if output.contains("GOTOOLCHAIN=local") => {
                output.push_str("\ninstall that release of Go, or set GOTOOLCHAIN=auto to let go download it");
                BuildError::Failed { program, status, output }
            }
            other => other,
        })
    }
}
