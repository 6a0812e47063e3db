//! `keys`: make the publisher's key, show its public half.

mod generate;
mod show;

use aileron_verifier::name::fqn::Fqn;

use super::Context;
use super::verb::verbs;
use crate::publisher::lint;
use crate::publisher::project::{Project, Reading};
use crate::ui::args::examples;
use crate::ui::report::Failure;

verbs! {
    /// Make and show the publisher's signing key.
    #[command(after_help = examples!(
        "aileron-pub keys generate --out ../publisher.key",
        "aileron-pub keys show"
    ))]
    Keys {
        Generate(generate::Generate),
        Show(show::Show),
    }
}

/// The repository and the connector's name; the manifest must be readable for that.
fn connector(context: &Context) -> Result<(Project, Fqn), Failure> {
    let project = context.project(Reading::WorkTree)?;
    match lint::name(&project) {
        Some(name) => Ok((project, name)),
        None => Err(Failure::from(lint::check(project, None, &[]))),
    }
}
