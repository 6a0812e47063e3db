//! `action`: install actions, look after them, run them.

mod add;
mod add_suite;
mod approval;
mod list;
mod remove;
mod run;
mod upgrade;

pub(super) use self::approval::{Prompt, approval_text};
use super::verb::verbs;

verbs! {
    /// Install actions, and look after those that are installed.
    Action, on_interrupt: Exit {
        Add(add::Add),
        AddSuite(add_suite::AddSuite),
        Upgrade(upgrade::Upgrade),
        Run(run::Run),
        List(list::List),
        Remove(remove::Remove),
    }
}
