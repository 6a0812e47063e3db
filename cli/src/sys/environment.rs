//! The environment as a value: read once where the process starts, so that tests say what is set without changing the
//! process, and nothing below looks around on its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::secret::{Secret, is_blank};

/// Variables and their values. No `Debug`: some of them are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process.
    pub fn of_this_process() -> Environment {
        std::env::vars_os().collect()
    }

    /// A variable's value as it stands, blank or not: for passing on what another program reads. What this program reads
    /// itself, it reads by [`Environment::var`].
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A variable's value; unset, empty and blank are all `None`: a secret of a workflow that does not exist arrives as an
    /// empty text, or as a line break. What is not blank comes as it stands, white space at its ends included.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.value(name).filter(|value| !is_blank(value.as_encoded_bytes()))
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

    /// A path for people: `~/…` where it is below the user's home directory.
    pub fn below_home(&self, path: &Path) -> String {
        let home = self.var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(Path::new);
        match home.and_then(|home| path.strip_prefix(home).ok()) {
            Some(below) => format!("~/{}", below.display()),
            None => path.display().to_string(),
        }
    }

    /// All of them, as they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

/// Variables that libraries of ours read by themselves: roots of TLS, proxies, colours.
const READ_BY_LIBRARIES: [&str; 15] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "NO_GRAPHICS",
    "FORCE_HYPERLINK",
];

/// Makes blank count as unset in libraries too: with a blank `SSL_CERT_FILE`, for one, no server would be believed.
///
/// The first call of `main`, before there is a second thread.
pub fn forget_blank() {
    for name in READ_BY_LIBRARIES {
        if std::env::var_os(name).is_some_and(|value| is_blank(value.as_encoded_bytes())) {
            #[expect(unsafe_code, reason = "sound while the process has one thread, which is so at the start of main")]
            // SAFETY: no other thread exists yet that could read or change the environment.
            unsafe {
                std::env::remove_var(name);
            }
        }
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Environment {
        Environment(variables.into_iter().collect())
    }
}

#[cfg(test)]
#[path = "environment/tests.rs"]
mod tests;
