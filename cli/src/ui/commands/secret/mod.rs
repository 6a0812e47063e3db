//! `secret`: values that a configuration refers to by name. vault.md §6.3.

mod list;
mod set;

use super::verb::verbs;

verbs! {
    /// Keep secrets in the vault that a configuration refers to by name.
    Secret, on_interrupt: Exit {
        Set(set::Set),
        List(list::List),
    }
}
