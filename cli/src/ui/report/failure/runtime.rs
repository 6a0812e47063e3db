//! Failures of running an op or an action: arguments, credentials, the sandbox.

use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_verifier::problem::Class;
use serde_json::Value;

use super::{Exit, Failure, classified, private};
use crate::runtime::arguments::ArgumentError;
use crate::runtime::authorize::AuthorizeError;
use crate::runtime::capture::error::CaptureError;
use crate::runtime::cassette::NotACassette;
use crate::runtime::credential_source::CredentialError;
use crate::runtime::interpolate::Unfilled;
use crate::runtime::launch::error::LaunchError;
use crate::runtime::listener::{ListenError, WaitError};
use crate::runtime::mcp::McpError;
use crate::runtime::oauth::ClientError;
use crate::runtime::runner::{ActionError, RunError};
use crate::runtime::seal::error::SessionError;
use crate::sys::lock::LockError;
use crate::sys::private::PrivateError;

classified!(ActionError, ArgumentError, NotACassette, RunError, SandboxFailure, CredentialError, Unfilled);
classified!(CaptureError, SessionError);
classified!(AuthorizeError, ClientError, ListenError, LaunchError, McpError);

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Load(failure) => (&failure).into(),
            RunError::Credential(error) => error.into(),
        }
    }
}

/// A failure of the sandbox: exit 1, whatever it was. sandbox.md 15a.
impl From<&SandboxFailure> for Failure {
    fn from(failure: &SandboxFailure) -> Failure {
        let told = Failure {
            boundary: Some(failure.boundary),
            details: Value::Object(failure.details.clone()),
            ..Failure::of(failure, Exit::Failure).saying(failure.message.clone())
        };
        let is_about = |name: &str| failure.details.contains_key(name);
        match failure.class {
            Class::BindingFailed => match failure.details.get("binding").and_then(Value::as_str) {
                Some(binding) if !failure.retriable => told.next(format!("aileron binding reauthorize {binding}")),
                _ => told,
            },
            Class::BindingRequired if is_about("candidates") => told.next("name one of them with --binding NAME"),
            Class::BindingRequired => {
                told.next("pass the credential with --credential-env NAME or --credential-file FILE")
            }
            Class::CapabilityDenied if failure.lacks_signing_inputs() => {
                told.next("pass --access-key-id ID, and --region REGION where the host does not name one")
            }
            Class::CapabilityDenied if is_about("granted") => {
                told.next("a connector reaches what [capabilities.network] hosts lists, and nothing else")
            }
            Class::ResourceLimitExceeded => told.next("--timeout TIME and --memory MIB raise the limits"),
            _ => told,
        }
    }
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Failure {
        Failure::of(&error, Exit::Usage)
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Failure {
        match &error {
            CredentialError::Unset(_) | CredentialError::Empty(_) | CredentialError::NotOneLine(_) => {
                Failure::of(&error, Exit::Usage)
            }
            CredentialError::Unwanted(_) => Failure::of(&error, Exit::Usage).next("leave the credential out"),
            CredentialError::Disk(disk) => disk.into(),
        }
    }
}

/// A step's failure is the sandbox's; the approval's is the user's answer.
impl From<ActionError> for Failure {
    fn from(error: ActionError) -> Failure {
        match &error {
            ActionError::Denied(_) => Failure::of(&error, Exit::Policy).next("--approve runs it without asking"),
            ActionError::Unattended(name) => {
                Failure::of(&error, Exit::Policy).next(format!("in a terminal: aileron action run {name}"))
            }
            ActionError::NotAsked(_) => Failure::of(&error, Exit::Failure),
            ActionError::Stopped(stopped) => (&stopped.failure).into(),
        }
    }
}

/// A recording of the publisher's own.
impl From<NotACassette> for Failure {
    fn from(error: NotACassette) -> Failure {
        Failure::of(&error, Exit::Policy)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        Failure::of(&error, Exit::Failure).next("tell the connector's publisher")
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Failure {
        let failure = Failure::of(&error, Exit::Failure).with_text(error.to_string());
        failure.next("leave out --callback-port, or name a port that is free")
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            LaunchError::Elsewhere => fail(Exit::Usage).next("unset AILERON_API_URL and AILERON_TOKEN"),
            LaunchError::Unreachable(_) | LaunchError::Unexpected(_) | LaunchError::Refused => fail(Exit::Failure).next(
                "start aileron launch again; or, to be asked for the passphrase, unset AILERON_API_URL and AILERON_TOKEN",
            ),
            LaunchError::Running(_) => {
                fail(Exit::Failure).next("use that one; or aileron launch PROGRAM, which serves PROGRAM alone")
            }
            LaunchError::NotPrivate(PrivateError::NotPrivate(why)) => fail(Exit::Failure).next(private::next(why)),
            LaunchError::Lock(LockError::Interrupted(_)) => fail(Exit::Interrupted),
            LaunchError::Listen(_)
            | LaunchError::NoRandom(_)
            | LaunchError::NotPrivate(_)
            | LaunchError::Disk(_)
            | LaunchError::Lock(_) => fail(Exit::Failure),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Failure {
        let failure = Failure::of(&error, Exit::Failure);
        match &error {
            SessionError::Roots(_) => failure.next("install the package ca-certificates, or set SSL_CERT_FILE"),
            SessionError::Listen(_)
            | SessionError::NoRandom(_)
            | SessionError::Certificate(_)
            | SessionError::Disk(_) => failure,
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        let again = "run the same command again; nothing was stored";
        match &error {
            CaptureError::NoRuntime => {
                fail(Exit::Usage).next("install docker or podman; --here runs the login without a container")
            }
            CaptureError::NoImage(_) => {
                fail(Exit::Usage).next("--image IMAGE names one; --here runs the login without a container")
            }
            CaptureError::Start { .. } => fail(Exit::Failure)
                .with_lines_as_evidence(&error.to_string())
                .next("--here runs the login without a container"),
            CaptureError::Token { .. } => fail(Exit::Failure).with_lines_as_evidence(&error.to_string()).next(again),
            CaptureError::Login(_) | CaptureError::Empty => fail(Exit::Failure).next(again),
            CaptureError::SeveralLines | CaptureError::Binary | CaptureError::TooLong => {
                fail(Exit::Failure).next("nothing was stored; tell the unit's author what its token command prints")
            }
            CaptureError::ConfigDir(_) | CaptureError::ConfigDirOutside(_) => {
                fail(Exit::Failure).next("tell the unit's author")
            }
            CaptureError::Interrupted => fail(Exit::Interrupted),
            CaptureError::Foreground(_) => fail(Exit::Usage).next("install it, or name a container with --image"),
            CaptureError::Process(_) | CaptureError::Disk(_) => fail(Exit::Failure),
        }
    }
}

impl From<McpError> for Failure {
    fn from(error: McpError) -> Failure {
        match &error {
            McpError::NotSpoken(_) => {
                Failure::of(&error, Exit::Usage).next("aileron mcp --config prints what a host that starts it needs")
            }
            McpError::System(_) | McpError::Broken(_) => Failure::of(&error, Exit::Failure),
        }
    }
}

impl From<AuthorizeError> for Failure {
    fn from(error: AuthorizeError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            AuthorizeError::Wait(WaitError::Interrupted) => fail(Exit::Interrupted),
            AuthorizeError::Callback(_) | AuthorizeError::Token(_) => {
                fail(Exit::Failure).next("run the same command again; nothing was stored")
            }
            AuthorizeError::Wait(_) | AuthorizeError::Unreachable(_) | AuthorizeError::Random(_) => {
                fail(Exit::Failure).next("run the same command again")
            }
        }
    }
}
