//! Errors that are never drawn themselves: a wing makes them its own first, or says them in a note. They have a class and
//! an answer to "again?" all the same, and a wing that wraps one of GitHub's says what that one says.

use std::time::UNIX_EPOCH;

use aileron_sandbox::credential::CredentialRefusal;
use aileron_sandbox::credential::sigv4::SignError;
use aileron_sandbox::engine::CacheFault;
use aileron_sandbox::invoke::Args;
use aileron_sandbox::private::PrivateError;
use aileron_verifier::problem::Class;

use super::{Lack, absent, address, disk, io_error, not_private, text, unreachable};
use crate::consumer::fetch::origin::FetchError;
use crate::github::{ApiError, ApiRefusal, ReadError};
use crate::publisher::forge::ForgeError;
use crate::runtime::oauth::TokenError;
use crate::runtime::token_endpoint::EndpointError;
use crate::sys::disk::Operation;

/// `Variant: value => class retriable`, for every variant of one error; then `also` of it.
macro_rules! said {
    ($error:ident, $also:expr; $($variant:ident: $value:expr => $class:ident $retriable:literal;)*) => {
        let _every_variant = |error: &$error| match error {
            $($error::$variant { .. } => (),)*
        };
        $({
            let (error, expected): ($error, _) = ($value, (Class::$class, $retriable));
            let what = concat!(stringify!($error), "::", stringify!($variant));
            assert_eq!((error.class(), error.is_retriable()), expected, "{what}");
            let also: fn($error) -> Option<(Class, bool)> = $also;
            assert_eq!(also(error).unwrap_or(expected), expected, "{what}, as it is passed on");
        })*
    };
}

#[test]
fn an_answer_of_githubs_keeps_its_class_in_the_wing_that_asked() {
    said! { ApiRefusal, |why| {
            let forge = ForgeError::from(ApiError::Refused { asked: text(), why });
            Some((forge.class(), forge.is_retriable()))
        };
        Absent: ApiRefusal::Absent => PublishFailed false;
        Refused: ApiRefusal::Refused(text()) => PublishFailed false;
        Forbidden: ApiRefusal::Forbidden { why: text(), lacks: Lack::Unnamed } => PublishFailed false;
        Limited: ApiRefusal::Limited(UNIX_EPOCH) => Incomplete true;
        Unavailable: ApiRefusal::Unavailable(UNIX_EPOCH, text()) => Incomplete true;
        Unreachable: ApiRefusal::Unreachable(text()) => Incomplete true;
        Conflict: ApiRefusal::Conflict(text()) => PublishFailed false;
        BadToken: ApiRefusal::BadToken(text()) => PublishFailed false;
        Moved: ApiRefusal::Moved(None) => PublishFailed false;
        Burned: ApiRefusal::Burned(text()) => PublishFailed false;
    }
    said! { ApiError, |error| {
            let forge = ForgeError::from(error);
            Some((forge.class(), forge.is_retriable()))
        };
        Refused: ApiError::Refused { asked: text(), why: ApiRefusal::Unreachable(text()) } => Incomplete true;
        NoToken: ApiError::NoToken => UsageError false;
        BadAddress: ApiError::BadAddress(text()) => UsageError false;
        TokenElsewhere: ApiError::TokenElsewhere { asked: text(), fault: text(), api: text() } => PublishFailed false;
        Paused: ApiError::Paused { until: text(), why: text() } => Incomplete true;
        Interrupted: ApiError::Interrupted => Incomplete true;
        Log: disk(Operation::Read).into() => StoreUnwritable false;
    }
    said! { ReadError, |error| {
            let fetch = FetchError::from(error);
            Some((fetch.class(), fetch.is_retriable()))
        };
        Http: ReadError::Http(unreachable()) => FetchFailed true;
        Garbled: ReadError::Garbled { at: address(), why: text() } => FetchFailed false;
    }
    assert!(!ReadError::Http(absent()).is_retriable());
}

#[test] // vault.md §11.7, §12
fn an_answer_of_a_token_endpoint_says_whether_to_ask_again() {
    said! { EndpointError, |_| None;
        Unreachable: EndpointError::Unreachable(unreachable()) => BindingFailed true;
        Token: EndpointError::Token(TokenError::NoAccessToken) => OauthError false;
    }
    let refused = |status, code| TokenError::Refused { status, code };
    for (error, is_retriable) in [
        (refused(400, Some("invalid_grant")), false),
        (refused(400, Some("temporarily_unavailable")), true),
        (refused(400, Some("slow_down")), true),
        (refused(500, None), true),
        (refused(429, None), true),
        (refused(302, None), false),
        (refused(500, Some("invalid_client")), false),
        (TokenError::Unreadable { line: 1, column: 1 }, false),
    ] {
        assert_eq!(error.is_retriable(), is_retriable, "{error}");
    }
}

#[test] // sandbox.md §7.2, §7.4
fn the_sandboxs_errors_have_a_class_and_none_is_retriable() {
    said! { CredentialRefusal, |_| None;
        NotBound: CredentialRefusal::NotBound { candidates: Vec::new() } => BindingRequired false;
        EntryMissing: CredentialRefusal::EntryMissing { path: text() } => BindingRequired false;
        KindMismatch: CredentialRefusal::KindMismatch => CapabilityDenied false;
        RefreshFailed: CredentialRefusal::RefreshFailed { binding: text(), why: text(), retriable: false } => BindingFailed false;
        Failed: CredentialRefusal::Failed(text()) => ConnectorRuntimeError false;
    }
    let header = || http::HeaderValue::from_bytes(b"\n").expect_err("not a header");
    said! { SignError, |_| None;
        Header: header().into() => ConnectorRuntimeError false;
        Clock: SignError::Clock => ConnectorRuntimeError false;
    }
    said! { PrivateError, |_| None;
        NotPrivate: not_private().into() => ValidationError false;
        Io: PrivateError::Io { path: "x".into(), cause: io_error() } => FetchFailed false;
    }
    said! { CacheFault, |_| None;
        NotPrivate: CacheFault::NotPrivate { at: "x".into(), reason: text() } => ValidationError false;
        Disk: disk(Operation::Write).into() => StoreUnwritable false;
        Engine: CacheFault::Engine(text()) => ConnectorLoadFailed false;
    }
    let flaw = not_private();
    assert_eq!((flaw.class(), flaw.is_retriable()), (Class::ValidationError, false));
    let not_args = Args::parse("[]").expect_err("not an object");
    assert_eq!((not_args.class(), not_args.is_retriable()), (Class::UsageError, false));
}
