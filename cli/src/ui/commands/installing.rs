//! What names on the command line mean to the verbs that install, run and remove.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::name::digest::{ContentHash, NotAHash};
use aileron_verifier::name::fqn::{Fqn, NameError, Ref};
use aileron_verifier::problem::Class;

use super::Context;
use crate::consumer::home::Home;
use crate::consumer::install::InstallTarget;
use crate::consumer::install::installed::InstalledName;
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::ui::report::console::Terminal;
use crate::ui::report::{Exit, Failure};

/// The store and the ring, for a verb that takes `--wait-lock` or waits as long as usual.
pub(super) fn home(context: &Context, wait: Option<Duration>) -> Result<Home, Failure> {
    Ok(Home::open(&context.environment, context.waiting(wait))?)
}

/// Shows what would be removed, and asks.
pub(super) fn confirms_removal(context: &Context, text: &str) -> Result<bool, Failure> {
    let mut console = Terminal { json: context.output.json };
    let lost = |error: std::io::Error| {
        Failure::new(Class::StoreUnwritable, Exit::Failure, format!("cannot ask whether to remove: {error}"))
    };
    console.say(text).map_err(lost)?;
    consents(&mut console, "Remove it? [y/N]: ").map_err(lost)
}

/// A Ref and a name have `://`; everything else is a path. A Ref has a version besides.
pub(super) fn target(text: &str, version: Option<&str>) -> Result<InstallTarget, Failure> {
    if !text.contains("://") {
        return match version {
            Some(_) => Err(Failure::usage("--version belongs to a name; an archive has a version of its own")),
            None => Ok(InstallTarget::File(PathBuf::from(text))),
        };
    }
    match (text.contains('@'), version) {
        (true, Some(_)) => Err(Failure::usage(format!("{text} has a version already; leave out --version"))),
        (true, None) => Ok(InstallTarget::Version(reference(text)?)),
        (false, Some(version)) => Ok(InstallTarget::Version(reference(&format!("{text}@{version}"))?)),
        (false, None) => Ok(InstallTarget::Newest(name(text)?)),
    }
}

/// A Ref given from outside: a bad one has a class of its own. artifacts.md §1.
pub(super) fn reference(text: &str) -> Result<Ref, Failure> {
    text.parse().map_err(|error: NameError| {
        badly_named(&error).next("write a Ref as <scheme>://<owner>/<repo>[/<subpath>]@<version>")
    })
}

/// A name given from outside.
pub(super) fn name(text: &str) -> Result<Fqn, Failure> {
    text.parse()
        .map_err(|error: NameError| badly_named(&error).next("write a name as <scheme>://<owner>/<repo>[/<subpath>]"))
}

fn badly_named(error: &NameError) -> Failure {
    Failure { class: error.class(), ..Failure::usage(error.to_string()) }
}

/// `--hash`. A malformed one is `validation_error`, as wherever a hash is given. artifacts.md §1.
pub(super) fn content(text: Option<&String>) -> Result<Option<ContentHash>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error: NotAHash| {
            Failure { class: Class::ValidationError, ..Failure::usage(format!("--hash {error}")) }
                .next("copy the whole content hash, `sha256:` included")
        })
    };
    text.map(parse).transpose()
}

/// An installed connector: a Ref, or a name for every version that is installed.
pub(super) fn installed_name(text: &str) -> Result<InstalledName, Failure> {
    Ok(match text.contains('@') {
        true => InstalledName::Version(reference(text)?),
        false => InstalledName::Connector(name(text)?),
    })
}
