//! `unit`: CLI-capability units, from a skeleton to a registry. cli-unit.md §12.

mod check;
mod render;
mod try_request;

use super::verb::verbs;
use crate::ui::args::examples;

verbs! {
    /// Make, check and publish a command-line tool's CLI-capability unit, as a devcontainer Feature.
    #[command(after_help = examples!(
        "aileron-pub unit check gh                        every problem of a Feature and its unit",
        "aileron-pub unit try gh --host api.github.com    what a proxy would send"
    ))]
    PublisherUnit {
        Check(check::Check),
        Render(render::Render),
        Try(try_request::Try),
    }
}
