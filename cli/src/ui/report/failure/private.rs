//! What to do about a file that other users could have changed.

use crate::sys::private::{Flaw, NotPrivate};

/// The next command, or the next thing to do.
pub(crate) fn next(why: &NotPrivate) -> String {
    let at = why.at.display();
    let is_above = why.at != why.file;
    match why.flaw {
        Flaw::WritableByOthers => format!("chmod go-w {at}"),
        Flaw::OtherOwner(_) if is_above => {
            "set AILERON_HOME to a directory of your own, below directories that only you and root can write".to_owned()
        }
        Flaw::OtherOwner(_) => {
            format!("look through it; if it is right, copy it, and put the copy in the place of {at}")
        }
        Flaw::Link => format!("put the file itself in the place of {at}, or remove it and install again"),
        Flaw::SecondName => format!("copy it, and put the copy in the place of {at}"),
        Flaw::NotAFile(_) | Flaw::NotADirectory => format!("remove {at}"),
    }
}
