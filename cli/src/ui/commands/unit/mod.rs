//! `unit`: CLI-capability units, from a skeleton to a registry. cli-unit.md §12.

mod check;
mod init;
mod pack;
mod packing;
mod push;
mod push_collection;
mod push_flags;
mod render;
mod try_request;

use super::verb::verbs;
use crate::ui::args::examples;

verbs! {
    /// Make, check and publish a command-line tool's CLI-capability unit, as a devcontainer Feature.
    #[command(after_help = examples!(
        "aileron-pub unit init gh                             a new Feature",
        "aileron-pub unit check gh                            every problem of a Feature and its unit",
        "aileron-pub unit try gh --host api.github.com        what a proxy would send",
        "aileron-pub unit push gh ghcr.io/acme/features/gh    publish it"
    ))]
    PublisherUnit {
        Init(init::Init),
        Check(check::Check),
        Render(render::Render),
        Try(try_request::Try),
        Pack(pack::Pack),
        Push(push::Push),
    }
}
