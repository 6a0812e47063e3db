//! The environment as a value: read once where the process starts, so that tests say what is set without changing the
//! process, and nothing below looks around on its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::secret::Secret;

/// Variables and their values. No `Debug`: some of them are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process.
    pub fn of_this_process() -> Environment {
        std::env::vars_os().collect()
    }

    /// A variable's value as it stands, empty or not.
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A variable's value; unset, empty and blank are all `None`: a secret of a workflow that does not exist arrives as an
    /// empty text, or as a line break.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.value(name).filter(|value| !value.as_encoded_bytes().iter().all(u8::is_ascii_whitespace))
    }

    /// A variable that holds a secret, as its bytes.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        Some(Secret::from(self.var(name)?.to_owned().into_encoded_bytes()))
    }

    /// `AILERON_HOME`, else `~/.aileron`. artifacts.md §9.
    pub fn aileron_home(&self) -> Option<PathBuf> {
        let home =
            || Some(PathBuf::from(self.var(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?).join(".aileron"));
        self.var("AILERON_HOME").map(PathBuf::from).or_else(home)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Environment {
        Environment(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_variable_counts_as_unset() {
        for blank in ["", " ", "\n", "\r\n", "\t", " \n "] {
            let names = ["AILERON_HOME", "GITHUB_TOKEN", "HOME", "USERPROFILE"];
            let environment: Environment = names.map(|name| (name.into(), blank.into())).into_iter().collect();
            assert!(
                environment.var("AILERON_HOME").is_none() && environment.secret("GITHUB_TOKEN").is_none(),
                "{blank:?}"
            );
            assert!(environment.aileron_home().is_none(), "{blank:?}");
            assert_eq!(environment.value("GITHUB_TOKEN"), Some(OsStr::new(blank)), "as it stands");
        }
        let environment: Environment = [("A".into(), " x\n".into())].into_iter().collect();
        assert_eq!(environment.var("A"), Some(OsStr::new(" x\n")), "what is not blank is not changed");
    }
}
