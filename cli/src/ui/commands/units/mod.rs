//! `unit`: CLI-capability units as a consumer meets them: looked at, accepted, in effect.

mod accept;
mod list;
mod open;
mod show;
mod view;

use super::verb::verbs;
use crate::ui::args::examples;

verbs! {
    /// Look at what gives a command-line tool its credential, and decide whether it may.
    #[command(after_help = examples!(
        "aileron unit show image:acme/dev      which hosts would get which credential, and how",
        "aileron unit accept image:acme/dev    let its units be used",
        "aileron unit list                     what holds, and who says so"
    ))]
    ConsumerUnit {
        Show(show::Show),
        List(list::List),
        Accept(accept::Accept),
    }
}
