//! An extension that runs here: started as a host starts it, driven over its wire, and told what a host would make of its
//! answers. aegis-bundle.md §14.1, §19.
//!
//! Only when the user asks for it: nothing else in this program runs what is in a bundle. The extension is not trusted. It gets
//! no variable of ours, a directory of its own, and no host but a recorder; all it prints and answers is untrusted text.
//!
//! Between the two the messages go in clear over a socket in a directory that is this user's alone. A host uses mutual TLS with
//! P-521 certificates, for which `ring` has no curve; without the certificate in its environment the same binary serves the same
//! gRPC.
//!
//! | file | |
//! |---|---|
//! | [`subject`] | what is tried: a bundle, a staging directory or a repository that is built first; its target for this machine |
//! | [`start`] | the process and its environment; [`handshake`]: its first line |
//! | [`wire`], [`messages`], [`fields`] | gRPC, and what it carries |
//! | [`session`] | one call under a host's limit; what became of the process |
//! | [`plugin`], [`connector`] | the steps |
//! | [`host_api`], [`methods`], [`answers`] | what a plugin may call, and what the author's files answer |
//! | [`sample`] | what is sent where they say nothing |
//! | [`judge`] | what is wrong with an answer |
//! | [`finding`] | what was found |

pub mod answers;
mod connector;
pub mod fields;
pub mod finding;
pub mod handshake;
pub mod host_api;
pub mod judge;
pub mod messages;
pub mod methods;
mod plugin;
pub mod sample;
mod session;
mod start;
pub mod subject;
mod wire;

use std::io;
use std::time::Duration;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::troubleshooting::Row;
use aileron_verifier::aegis::upload::UploadError;
use aileron_verifier::problem::{Class, Severity};

use self::answers::{Answers, AnswersError};
use self::finding::Finding;
use self::host_api::{Call, HostApi};
use self::session::Halt;
use self::subject::Subject;
use crate::event::Listener;
use crate::publisher::aegis::AegisError;
use crate::sys::process::Spawner;

/// Why nothing was tried. What an extension does wrong is no error but a [`Finding`].
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// The bundle or directory cannot be read.
    #[error(transparent)]
    Bundle(#[from] AegisError),
    /// A host would not start it.
    #[error("a host refuses it: {0}")]
    Upload(#[from] UploadError),
    /// Extensions are programs for Linux.
    #[error("an extension runs on Linux on amd64, arm64 or riscv64, and this is {os} on {arch}")]
    NotHere {
        /// This system.
        os: &'static str,
        /// This architecture.
        arch: &'static str,
    },
    /// A file of the author's is not understood.
    #[error(transparent)]
    Answers(#[from] AnswersError),
    /// The machine would not do it.
    #[error("cannot {what}: {why}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        #[source]
        why: io::Error,
    },
    /// The run was interrupted; the extension was ended.
    #[error("interrupted: the extension was ended")]
    Interrupted,
}

impl TryError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            TryError::Bundle(error) => error.class(),
            TryError::Upload(error) => error.class(),
            TryError::NotHere { .. } => Class::UsageError,
            TryError::Answers(_) => Class::ParseError,
            TryError::System { .. } => Class::ConnectorLoadFailed,
            TryError::Interrupted => Class::Incomplete,
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            TryError::Interrupted => true,
            TryError::Bundle(_)
            | TryError::Upload(_)
            | TryError::NotHere { .. }
            | TryError::Answers(_)
            | TryError::System { .. } => false,
        }
    }

    /// The row of the troubleshooting table that tells of it.
    pub fn row(&self) -> Option<Row> {
        match self {
            TryError::Upload(error) => error.row(),
            _ => None,
        }
    }
}

/// What is asked beside the extension itself.
#[derive(Clone, Debug, Default)]
pub struct TryOptions {
    /// What the author's files say.
    pub answers: Answers,
    /// Events to send, with type and data, in addition.
    pub events: Vec<(String, serde_json::Value)>,
    /// Longest wait for any one answer; a host's own limits where they are shorter, or where there is none.
    pub patience: Option<Duration>,
}

/// One step of a trial.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it went. Texts of the extension in it are on one line, and not yet made printable.
    pub outcome: String,
    /// How long it took.
    pub took: Duration,
}

/// A trial from the start to the end of the process.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What was found, in order.
    pub findings: Vec<Finding>,
    /// Calls of the host API.
    pub calls: Vec<Call>,
    /// How many more calls there were.
    pub more_calls: usize,
    /// The first lines it printed after its handshake.
    pub printed: Vec<String>,
    /// The last lines it wrote to standard error, or the first of a crash; without those of go-plugin's own log.
    pub errors: Vec<String>,
}

impl Trial {
    /// What would go wrong on a host.
    pub fn faults(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

/// Starts it, drives it, ends it. Nothing of it is left afterwards.
///
/// # Errors
/// [`TryError`]: the machine would not do it, or the run was interrupted.
pub fn run(
    subject: &Subject,
    options: &TryOptions,
    spawner: Spawner<'_>,
    listener: Listener<'_>,
) -> Result<Trial, TryError> {
    let mut trial = Trial::default();
    if let Some(fault) = start::cannot_start(subject) {
        trial.findings.push(fault);
        return Ok(trial);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| TryError::System { what: "start a runtime", why })?;
    runtime.block_on(async {
        let host = HostApi::new(&subject.target.required_capabilities, options.answers.clone());
        let mut started = start::start(subject, options, spawner, listener)?;
        let driven = match started.connect(subject.kind, &host, &mut trial).await {
            Err(halt) => Err(halt),
            Ok(mut session) => {
                let driven = match subject.kind {
                    Kind::Plugin => plugin::drive(&mut session, subject, options, &host).await,
                    Kind::Connector => connector::drive(&mut session, subject, options).await,
                };
                match driven {
                    Ok(()) => session.shut_down().await,
                    halted => halted,
                }
            }
        };
        started.end(&mut trial);
        (trial.calls, trial.more_calls) = host.calls();
        trial.findings.extend(judge::hurried(host.hurried()));
        if matches!(driven, Err(Halt::Interrupted)) { Err(TryError::Interrupted) } else { Ok(trial) }
    })
}
