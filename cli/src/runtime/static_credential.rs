//! A credential given by hand, until there is a vault: `--credential-env`, `--credential-file`. sandbox.md 15a.

use std::path::PathBuf;
use std::sync::Arc;

use aileron_sandbox::credential::Given;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;

/// No credential is longer.
const LIMIT: u64 = 64 * 1024;

/// Where it is, and what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// A variable's name.
    pub variable: Option<String>,
    /// A file.
    pub file: Option<PathBuf>,
    /// `aws_sigv4`.
    pub region: Option<String>,
    /// `aws_sigv4`.
    pub access_key_id: Option<String>,
}

/// Why there is none, although one was named.
#[derive(Debug, thiserror::Error)]
pub enum StaticCredentialError {
    /// The variable is not set, or empty.
    #[error("${0} is not set")]
    Unset(String),
    /// The file holds nothing.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// It could not be sent.
    #[error("{0} holds a line break or NUL in the middle: no header may")]
    NotOneLine(String),
    /// The connector has no use for one.
    #[error("{0} declares no credential")]
    Unwanted(String),
    /// The file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Reads it; `None` where none was named. One line break at its end is dropped.
///
/// # Errors
/// [`StaticCredentialError`]; never with a byte of it.
pub fn read(source: &Source, environment: &Environment) -> Result<Option<Arc<Given>>, StaticCredentialError> {
    let (bytes, origin) = match (&source.variable, &source.file) {
        (Some(name), _) => {
            let secret = environment.secret(name).ok_or_else(|| StaticCredentialError::Unset(name.clone()))?;
            (Zeroizing::new(secret.expose().to_vec()), format!("${name}"))
        }
        (None, Some(path)) => (Zeroizing::new(disk::read_named(path, LIMIT)?), path.display().to_string()),
        (None, None) => return Ok(None),
    };
    let content = without_line_end(&bytes);
    if content.is_empty() {
        let empty = || StaticCredentialError::Empty(source.file.clone().unwrap_or_default());
        return Err(source.variable.clone().map_or_else(empty, StaticCredentialError::Unset));
    }
    if content.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(StaticCredentialError::NotOneLine(origin));
    }
    let secret = Arc::new(Secret::from(content.to_vec()));
    Ok(Some(Arc::new(Given { secret, region: source.region.clone(), access_key_id: source.access_key_id.clone() })))
}

/// Reads it for a connector that has a use for it.
///
/// # Errors
/// [`StaticCredentialError`].
pub fn for_connector(
    source: &Source,
    manifest: &ConnectorManifest,
    environment: &Environment,
) -> Result<Option<Arc<Given>>, StaticCredentialError> {
    let given = read(source, environment)?;
    match (&given, &manifest.credential) {
        (Some(_), None) => Err(StaticCredentialError::Unwanted(manifest.name.value.to_string())),
        _ => Ok(given),
    }
}

/// What stands in for a credential while a recording is played: nothing is sent anywhere.
pub fn stand_in() -> Arc<Given> {
    let secret = Arc::new(Secret::from("replayed, so nothing is sent".to_owned()));
    let text = |text: &str| Some(text.to_owned());
    Arc::new(Given { secret, region: text("us-east-1"), access_key_id: text("REPLAYED") })
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(content: &[u8]) -> Result<Vec<u8>, String> {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("key");
        std::fs::write(&file, content).unwrap();
        let source = Source { file: Some(file), ..Source::default() };
        let given = read(&source, &Environment::default()).map_err(|error| error.to_string())?;
        Ok(given.unwrap().secret.expose().to_vec())
    }

    #[test] // sandbox.md 15a
    fn a_credential_is_the_whole_content_but_for_the_last_line_break() {
        assert_eq!(from_file(b"k-secret\n"), Ok(b"k-secret".to_vec()));
        assert_eq!(from_file(b" k secret \r\n"), Ok(b" k secret ".to_vec()));
        for content in [&b"hunter2\nhunter3"[..], b"hunter2\n\n", b"hunter2\0", b"hunter2\r"] {
            let error = from_file(content).unwrap_err();
            assert!(error.contains("line break or NUL") && !error.contains("hunter"), "{error}");
        }
        assert!(from_file(b"\n").unwrap_err().ends_with("is empty"));
    }

    #[test]
    fn a_credential_that_was_named_must_be_there() {
        let environment: Environment = [("SET".into(), "k".into()), ("EMPTY".into(), "".into())].into_iter().collect();
        let variable = |name: &str| Source { variable: Some(name.to_owned()), ..Source::default() };
        assert_eq!(read(&variable("SET"), &environment).unwrap().unwrap().secret.expose(), b"k");
        for name in ["EMPTY", "GONE"] {
            assert_eq!(read(&variable(name), &environment).err().unwrap().to_string(), format!("${name} is not set"));
        }
        assert!(read(&Source::default(), &environment).unwrap().is_none());
        let gone = Source { file: Some("/nowhere/at/all".into()), ..Source::default() };
        assert!(matches!(read(&gone, &environment), Err(StaticCredentialError::Disk(_))));
    }
}
