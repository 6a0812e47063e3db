//! `connector`: install connectors, look after them, run them.

mod check;
mod install;
mod list;
mod remove;
mod run;
mod upgrade;

use super::verb::verbs;

verbs! {
    /// Install connectors, and look after those that are installed.
    Connector, on_interrupt: Exit {
        Install(install::Install),
        Upgrade(upgrade::Upgrade),
        List(list::List),
        Remove(remove::Remove),
        Run(run::Run),
        Check(check::Check),
    }
}
