//! `unit`: CLI-capability units, from a skeleton to a registry. cli-unit.md §12.

mod init;
mod pack;
mod packing;
mod push;
mod push_flags;

use super::verb::verbs;
use super::{Answer, Context, Verb};
use crate::ui::args::examples;

verbs! {
    /// Make, pack and publish a command-line tool's CLI-capability unit, as a devcontainer Feature.
    #[command(after_help = examples!(
        "aileron-pub unit init gh                           a new Feature",
        "aileron-pub unit pack gh --out dist                its archive",
        "aileron-pub unit push gh ghcr.io/acme/features/gh  publish it"
    ))]
    PublisherUnit {
        Init(init::Init),
        Pack(pack::Pack),
        Push(push::Push),
    }
}
