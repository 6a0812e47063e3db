//! What a test needs from the machine, and what happens where it is missing.
//!
//! A test that can prove nothing here says so past the test runner, and passes. Where `AILERON_REQUIRE` names what is
//! missing, it fails instead: `AILERON_REQUIRE=go,openssl cargo test`. CI names everything it installs.

use std::fmt::{Arguments, Display};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Something a test cannot bring along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Chromium, which plays a person's browser.
    Chromium,
    /// docker or podman, with an engine that runs containers.
    Containers,
    /// curl, as the action calls it.
    Curl,
    /// Debian's OCI registry.
    DockerRegistry,
    /// The Go toolchain.
    Go,
    /// The commits that led here: a clone that is not shallow.
    History,
    /// The right to mount a file system.
    Mount,
    /// openssl 3.
    Openssl,
    /// The programs that `.ci/peers` installs.
    Peers,
    /// Being root, to play a second user.
    Root,
    /// A Rust toolchain with the target wasm32-wasip1.
    Rust,
    /// The vectors and repositories that lie beside the workspace.
    Shared,
    /// skopeo, which copies artifacts between registries and directories.
    Skopeo,
    /// strace, and the right to trace.
    Strace,
    /// GNU tar and sha256sum.
    Tar,
    /// xxd.
    Xxd,
    /// Zig.
    Zig,
}

use Requirement::*;

impl Requirement {
    /// All of them, in the order of their names.
    pub const ALL: [Requirement; 17] = [
        Chromium,
        Containers,
        Curl,
        DockerRegistry,
        Go,
        History,
        Mount,
        Openssl,
        Peers,
        Root,
        Rust,
        Shared,
        Skopeo,
        Strace,
        Tar,
        Xxd,
        Zig,
    ];

    /// As `AILERON_REQUIRE` has it.
    pub fn name(self) -> &'static str {
        match self {
            Chromium => "chromium",
            Containers => "containers",
            Curl => "curl",
            DockerRegistry => "docker-registry",
            Go => "go",
            History => "history",
            Mount => "mount",
            Openssl => "openssl",
            Peers => "peers",
            Root => "root",
            Rust => "rust",
            Shared => "shared",
            Skopeo => "skopeo",
            Strace => "strace",
            Tar => "tar",
            Xxd => "xxd",
            Zig => "zig",
        }
    }

    /// A command that succeeds where the requirement is met, and what its answer contains.
    fn probe(self) -> Option<(&'static [&'static str], &'static str)> {
        Some(match self {
            Chromium => (&["chromium", "--version"], "Chromium"),
            Containers => (&["sh", "-c", "docker info || podman info"], ""),
            Curl => (&["curl", "--version"], ""),
            DockerRegistry => (&["docker-registry", "--version"], "docker-registry"),
            Go => (&["go", "version"], ""),
            Openssl => (&["openssl", "version"], "OpenSSL 3"),
            Root => (&["sh", "-c", "test $(id -u) = 0"], ""),
            Skopeo => (&["skopeo", "--version"], "skopeo"),
            Strace => (&["strace", "-f", "-qq", "-o", "/dev/null", "true"], ""),
            Tar => (&["sh", "-c", "tar --version && sha256sum --version"], "GNU tar"),
            Xxd => (&["xxd", "-v"], ""),
            History | Mount | Peers | Rust | Shared | Zig => return None,
        })
    }

    /// Whether it is met here, by a look at the machine. Where it is not, the test is skipped: see [`skip`].
    ///
    /// # Panics
    /// Where it is required and not met, and for what a test has to look for itself ([`Requirement::History`],
    /// [`Requirement::Mount`], [`Requirement::Peers`], [`Requirement::Rust`], [`Requirement::Shared`], [`Requirement::Zig`]).
    pub fn is_met(self) -> bool {
        let (words, answer) = self.probe().expect("a requirement with a command to ask");
        let asked = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let met = asked
            .is_ok_and(|output| output.status.success() && String::from_utf8_lossy(&output.stdout).contains(answer));
        if !met {
            skip(self, format_args!("`{}` does not do here what it should", words.join(" ")));
        }
        met
    }
}

/// Says that a test, or a part of it, proved nothing. The only way to skip one.
///
/// # Panics
/// Where `AILERON_REQUIRE` names the requirement.
pub fn skip(missing: Requirement, reason: impl Display) {
    let required = std::env::var("AILERON_REQUIRE").unwrap_or_default();
    assert!(!is_required(&required, missing), "AILERON_REQUIRE names {}: {reason}", missing.name());
    say(format_args!("SKIPPED ({}): {reason}. What needs it was not tested.", missing.name()));
}

/// Writes a line to stderr past the test runner, which hides what a passing test prints.
pub fn say(line: Arguments<'_>) {
    // A test does not fail because standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether a list of names has this one. A name that is none is a bug of who set the list.
fn is_required(names: &str, requirement: Requirement) -> bool {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.fold(false, |found, name| {
        let known = Requirement::ALL.into_iter().find(|known| known.name() == name);
        let known = known.unwrap_or_else(|| panic!("AILERON_REQUIRE: there is no requirement {name:?}"));
        found || known == requirement
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_never_skipped() {
        assert!(is_required("go, openssl", Requirement::Openssl));
        assert!(!is_required("go,openssl", Requirement::Shared) && !is_required("", Requirement::Go));
        let skipped = std::panic::catch_unwind(|| is_required("go,opensll", Requirement::Go));
        assert!(skipped.is_err(), "a misspelt requirement is refused");
    }

    #[test]
    fn the_list_of_this_run_has_only_names_that_are_known() {
        is_required(&std::env::var("AILERON_REQUIRE").unwrap_or_default(), Requirement::Go);
    }
}
