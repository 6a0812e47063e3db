//! What the disk refused: the operation, where, and the system's reason.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;

/// What was attempted. Whether bytes could not be had or not be kept follows from it, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file's content.
    Read,
    /// A file or directory, before anything is read of it.
    Open,
    /// The names in a directory.
    List,
    /// What lies in a place, and its mode.
    Inspect,
    /// Where a path leads.
    Resolve,
    /// Making a directory the one this process works in.
    Enter,
    /// A directory that is not there yet.
    CreateDirectory,
    /// A file's content, or its name.
    Write,
    /// Content and names, against a power cut.
    Flush,
    /// Keeping other processes out.
    Lock,
    /// A file or a directory.
    Remove,
}

impl Operation {
    /// Every operation there is.
    pub const ALL: [Operation; 11] = [
        Operation::Read,
        Operation::Open,
        Operation::List,
        Operation::Inspect,
        Operation::Resolve,
        Operation::Enter,
        Operation::CreateDirectory,
        Operation::Write,
        Operation::Flush,
        Operation::Lock,
        Operation::Remove,
    ];

    /// The class of its failure: `fetch_failed` where something was wanted from the disk, `store_unwritable` where
    /// something was to be changed on it.
    pub fn class(self) -> Class {
        match self {
            Operation::Read
            | Operation::Open
            | Operation::List
            | Operation::Inspect
            | Operation::Resolve
            | Operation::Enter => Class::FetchFailed,
            Operation::CreateDirectory | Operation::Write | Operation::Flush | Operation::Lock | Operation::Remove => {
                Class::StoreUnwritable
            }
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Operation::Read => "read",
            Operation::Open => "open",
            Operation::List => "list",
            Operation::Inspect => "look at",
            Operation::Resolve => "resolve",
            Operation::Enter => "enter",
            Operation::CreateDirectory => "create directory",
            Operation::Write => "write",
            Operation::Flush => "flush",
            Operation::Lock => "lock",
            Operation::Remove => "remove",
        })
    }
}

/// An I/O error with what was being attempted, and where.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {what}{}{}: {cause}", if .what.is_empty() { "" } else { " " }, .path.display())]
pub struct DiskError {
    /// What was attempted.
    pub operation: Operation,
    /// What the path is to the user, for the message alone: "the private key"; empty where the path says it.
    pub what: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl DiskError {
    /// For `map_err`.
    pub fn at(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
        DiskError::about(operation, "", path)
    }

    /// [`DiskError::at`] a path whose meaning the message is to name.
    pub fn about(operation: Operation, what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
        let path = path.to_owned();
        move |cause| DiskError { operation, what, path, cause }
    }

    /// A file that must be there, and is not.
    pub fn absent(path: &Path) -> DiskError {
        DiskError::at(Operation::Read, path)(io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
    }

    /// The failure class: the operation's.
    pub fn class(&self) -> Class {
        self.operation.class()
    }

    /// Never: what the disk refused once it refuses again until something was changed.
    pub fn is_retriable(&self) -> bool {
        false
    }
}
