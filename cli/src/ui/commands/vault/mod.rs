//! `vault`: make it, look into it, store and remove, change its passphrase, give it up. vault.md §6.3.

mod delete;
mod init;
mod list;
mod put;
mod rekey;
mod reset;
mod status;

use super::verb::verbs;

verbs! {
    /// Keep credentials in a file that only your passphrase opens.
    Vault, on_interrupt: Exit {
        Init(init::Init),
        List(list::List),
        Put(put::Put),
        Delete(delete::Delete),
        Rekey(rekey::Rekey),
        Reset(reset::Reset),
    }
}

verbs! {
    /// Show how things stand on this machine.
    ConsumerStatus, on_interrupt: Exit {
        Vault(status::Status),
    }
}
