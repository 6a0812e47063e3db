//! A credential given by hand, until there is a vault: `--credential-env`, `--credential-file`. sandbox.md 15a.

use std::path::PathBuf;
use std::sync::Arc;

use aileron_sandbox::credential::{Credentials, StaticCredential};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use zeroize::Zeroizing;

use super::credential_source::{CredentialError, CredentialSource};
use crate::secret::Secret;
use crate::sys::disk;
use crate::sys::environment::Environment;

/// No credential is longer.
const LIMIT: u64 = 64 * 1024;

/// Where it is, and what belongs to it: the flags of a running verb.
#[derive(Clone, Default)]
pub struct StaticCredentialSource {
    /// The variables of this process.
    pub environment: Environment,
    /// A variable's name.
    pub variable: Option<String>,
    /// A file.
    pub file: Option<PathBuf>,
    /// `aws_sigv4`.
    pub region: Option<String>,
    /// `aws_sigv4`.
    pub access_key_id: Option<String>,
}

impl StaticCredentialSource {
    /// Reads it; `None` where none was named. One line break at its end is dropped.
    ///
    /// # Errors
    /// [`CredentialError`]; never with a byte of it.
    pub fn read(&self) -> Result<Option<Arc<StaticCredential>>, CredentialError> {
        let (bytes, place) = match (&self.variable, &self.file) {
            (Some(name), _) => {
                let secret = self.environment.secret(name).ok_or_else(|| CredentialError::Unset(name.clone()))?;
                (Zeroizing::new(secret.expose().to_vec()), format!("${name}"))
            }
            (None, Some(path)) => (Zeroizing::new(disk::read_named(path, LIMIT)?), path.display().to_string()),
            (None, None) => return Ok(None),
        };
        let content = without_line_end(&bytes);
        if content.is_empty() {
            let empty = || CredentialError::Empty(self.file.clone().unwrap_or_default());
            return Err(self.variable.clone().map_or_else(empty, CredentialError::Unset));
        }
        if content.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(CredentialError::NotOneLine(place));
        }
        let secret = Arc::new(Secret::from(content.to_vec()));
        let (region, access_key_id) = (self.region.clone(), self.access_key_id.clone());
        Ok(Some(Arc::new(StaticCredential { secret, region, access_key_id })))
    }
}

/// For a connector that declares one; for another it is refused.
impl CredentialSource for StaticCredentialSource {
    fn for_connector(&self, manifest: &ConnectorManifest) -> Result<Option<Arc<dyn Credentials>>, CredentialError> {
        match (self.read()?, &manifest.credential) {
            (Some(_), None) => Err(CredentialError::Unwanted(manifest.name.value.to_string())),
            (None, _) => Ok(None),
            (Some(credential), Some(_)) => Ok(Some(credential)),
        }
    }
}

/// A made-up credential for a replayed run: nothing is sent anywhere.
pub fn stand_in() -> Arc<StaticCredential> {
    let secret = Arc::new(Secret::from("replayed, so nothing is sent".to_owned()));
    let text = |text: &str| Some(text.to_owned());
    Arc::new(StaticCredential { secret, region: text("us-east-1"), access_key_id: text("REPLAYED") })
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
        let source = StaticCredentialSource { file: Some(file), ..StaticCredentialSource::default() };
        let read = source.read().map_err(|error| error.to_string())?;
        Ok(read.unwrap().secret.expose().to_vec())
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
        let named = || StaticCredentialSource { environment: environment.clone(), ..StaticCredentialSource::default() };
        let variable = |name: &str| StaticCredentialSource { variable: Some(name.to_owned()), ..named() };
        assert_eq!(variable("SET").read().unwrap().unwrap().secret.expose(), b"k");
        for name in ["EMPTY", "GONE"] {
            assert_eq!(variable(name).read().err().unwrap().to_string(), format!("${name} is not set"));
        }
        assert!(named().read().unwrap().is_none());
        let gone = StaticCredentialSource { file: Some("/nowhere/at/all".into()), ..named() };
        assert!(matches!(gone.read(), Err(CredentialError::Disk(_))));
    }
}
