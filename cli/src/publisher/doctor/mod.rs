//! `doctor`: what stands between this repository and a release, on this machine and on GitHub, each with its command.
//!
//! | file | what it looks at |
//! |---|---|
//! | [`local`] | git, the remote, the toolchain, the key |
//! | [`files`] | workflows against their template, and the files that can be put right |
//! | [`on_github`] | the repository's settings, as far as the token may see them |
//!
//! Nothing is changed here, and a setting of GitHub's never. What could not be asked is not "in order".

pub mod files;
pub mod local;
pub mod on_github;

use serde::Serialize;

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// It could not be found out.
    Unknown,
    /// A release fails, or is less safe than it could be.
    Problem,
}

impl Verdict {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Unknown => "unknown",
            Verdict::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `git`, `remote`, …
    pub check: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// In words.
    pub message: String,
    /// The command that puts it right or finds out more.
    pub command: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Ok, message: message.into(), command: None }
    }

    /// Worth knowing.
    pub fn note(check: &'static str, message: impl Into<String>, command: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Note, message: message.into(), command: Some(command.into()) }
    }

    /// It could not be found out.
    pub fn unknown(check: &'static str, message: impl Into<String>, command: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Unknown, message: message.into(), command: Some(command.into()) }
    }

    /// It is wrong.
    pub fn problem(check: &'static str, message: impl Into<String>, command: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Problem, message: message.into(), command: Some(command.into()) }
    }
}

/// Findings with this verdict.
pub fn count(findings: &[Finding], verdict: Verdict) -> usize {
    findings.iter().filter(|finding| finding.verdict == verdict).count()
}
