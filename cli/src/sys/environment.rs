//! The environment as a value, so that tests can say what is set without changing the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::secret::Secret;

/// Where variables are looked up.
pub enum Environment {
    /// The process's own.
    Process,
    /// Exactly these.
    Fixed(BTreeMap<String, OsString>),
}

impl Environment {
    /// A variable's value; unset and empty are both `None`.
    pub fn var(&self, name: &str) -> Option<OsString> {
        let value = match self {
            Environment::Process => std::env::var_os(name),
            Environment::Fixed(values) => values.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// A variable's value as text; one that is not Unicode counts as unset.
    pub fn text(&self, name: &str) -> Option<String> {
        self.var(name)?.into_string().ok()
    }

    /// A variable that holds a secret, taken as its bytes.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        Some(Secret::from(self.var(name)?.into_encoded_bytes()))
    }

    /// `AILERON_HOME`, else `~/.aileron`. artifacts.md §9.
    pub fn aileron_home(&self) -> Option<PathBuf> {
        let home = || Some(PathBuf::from(self.var(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?).join(".aileron"));
        self.var("AILERON_HOME").map(PathBuf::from).or_else(home)
    }

    /// Whether this is a continuous-integration machine.
    pub fn is_ci(&self) -> bool {
        self.var("CI").is_some()
    }
}
