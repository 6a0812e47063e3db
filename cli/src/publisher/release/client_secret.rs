//! The client secret of an OAuth connector: where it comes from, and whether it is one. artifacts.md §5.
//!
//! A version cannot be changed once it is published, so a secret with a line break from a paste, or a blank one from a CI
//! variable that does not exist, must be found here. One rule for files and variables alike; no message holds the value.

use std::path::Path;

use aileron_verifier::artifact::binding;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::manifest::SECRET_PLACEHOLDER;
use aileron_verifier::layout::member::MANIFEST;
use aileron_verifier::name::version;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use zeroize::Zeroizing;

use super::error::named;
use super::{ReleaseError, SecretSource};
use crate::publisher::config::Config;
use crate::publisher::project::Project;
use crate::sys::disk;
use crate::sys::environment::Environment;

/// Longest client secret that is read from a file, in bytes.
const LIMIT: u64 = 64 * 1024;

/// A secret that may stand in a manifest: text of one line, not blank, not a placeholder.
pub(super) struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// The text. Call it inside the expression that needs it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// The client secret, if a field of the manifest wants one. `configured` is the variable that the repository names, for
/// where no flag does.
///
/// # Errors
/// [`ReleaseError::NoClientSecret`], [`ReleaseError::UnwantedClientSecret`], [`ReleaseError::ClientSecretNotText`] or
/// [`ReleaseError::BadClientSecret`].
pub(super) fn find(
    manifest: &ConnectorManifest,
    source: &SecretSource,
    configured: Option<&str>,
    environment: &Environment,
) -> Result<Option<ClientSecret>, ReleaseError> {
    if binding::client_secret(manifest).is_none() {
        return match source {
            SecretSource::Default => Ok(None),
            SecretSource::Variable(_) => Err(ReleaseError::UnwantedClientSecret("--client-secret-env")),
            SecretSource::File(_) => Err(ReleaseError::UnwantedClientSecret("--client-secret-file")),
        };
    }
    let variables = match source {
        SecretSource::File(path) => return of_file(path).map(Some),
        SecretSource::Variable(name) => vec![name.clone()],
        SecretSource::Default => variables(manifest, configured),
    };
    for name in &variables {
        let value = environment.secret(name);
        if let Some(secret) = value.map(|value| usable(value.expose(), name)).transpose()?.flatten() {
            return Ok(Some(secret));
        }
    }
    let looked_at = variables.iter().map(|name| format!("${name}")).collect();
    Err(ReleaseError::NoClientSecret { looked_at })
}

/// The variables that are looked at where no flag names one.
fn variables(manifest: &ConnectorManifest, configured: Option<&str>) -> Vec<String> {
    let usual = ["AILERON_CLIENT_SECRET".to_owned(), service_variable(manifest.name.value.repo())];
    configured.map_or(usual.to_vec(), |name| vec![name.to_owned()])
}

/// The variables of which one gives the client secret of this repository; none where its manifest wants none.
pub fn client_secret_names(project: &Project, config: &Config) -> Vec<String> {
    let parsed = project.manifest.as_ref().ok().map(|source| ConnectorManifest::parse(source.clone(), Stage::Source));
    let manifest = parsed.and_then(|parsed| parsed.document);
    let wanting = manifest.filter(|manifest| binding::client_secret(manifest).is_some());
    wanting.map(|manifest| variables(&manifest, config.client_secret_env.as_deref())).unwrap_or_default()
}

/// The client secret of a proposed manifest, where the manifest here wants one: the only thing that is taken from there.
///
/// # Errors
/// [`ReleaseError::NoClientSecret`] where the proposed one has none, [`ReleaseError::BadClientSecret`].
pub(super) fn proposed(manifest: &ConnectorManifest, proposed: &[u8]) -> Result<Option<ClientSecret>, ReleaseError> {
    if binding::client_secret(manifest).is_none() {
        return Ok(None);
    }
    let origin = || format!("{MANIFEST} of the proposal");
    let source = Source::read(MANIFEST, proposed.to_vec()).ok();
    let parsed = source.and_then(|source| ConnectorManifest::parse(source, Stage::Artifact).document);
    let secret = parsed.and_then(|manifest| manifest.credential?.oauth2?.client_secret);
    let secret = secret.map(|secret| Zeroizing::new(secret.value));
    let usable = secret.map(|secret| usable(secret.as_bytes(), &origin())).transpose()?.flatten();
    usable.map(Some).ok_or_else(|| ReleaseError::NoClientSecret { looked_at: vec![origin()] })
}

/// A bound manifest's text with its client secret masked, for showing where two of them differ: the whole value, however many
/// lines it takes. Of a text that is no manifest nothing is shown.
pub(super) fn masked(manifest: &[u8]) -> Zeroizing<Vec<u8>> {
    let source = Source::read(MANIFEST, manifest.to_vec()).ok();
    let parsed = source.and_then(|source| ConnectorManifest::parse(source, Stage::Artifact).document);
    let Some(parsed) = parsed else { return Zeroizing::new(b"not a manifest".to_vec()) };
    let secret = parsed.credential.and_then(|credential| credential.oauth2?.client_secret);
    let mut text = Zeroizing::new(manifest.to_vec());
    if let Some(at) = secret.map(|secret| secret.at).filter(|at| at.end <= text.len()) {
        text.splice(at, *b"********");
    }
    text
}

fn of_file(path: &Path) -> Result<ClientSecret, ReleaseError> {
    let bytes = Zeroizing::new(disk::read_named(path, LIMIT)?);
    let empty = || ReleaseError::NoClientSecret { looked_at: vec![format!("{} (empty)", named(path))] };
    usable(&bytes, &named(path))?.ok_or_else(empty)
}

/// The secret in these bytes; `None` where they are blank, which counts as unset.
fn usable(bytes: &[u8], origin: &str) -> Result<Option<ClientSecret>, ReleaseError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReleaseError::ClientSecretNotText(origin.to_owned()))?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() {
        return Ok(None);
    }
    let bad = |why| Err(ReleaseError::BadClientSecret { origin: origin.to_owned(), why });
    let is_line_break = |char| matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if text.contains(is_line_break) {
        return bad("it has a line break inside");
    }
    if text.contains(char::is_control) {
        return bad("it has a control character inside");
    }
    if text.trim() != text {
        return bad("it begins or ends with white space");
    }
    let pin = format!("sha256:{SECRET_PLACEHOLDER}");
    if [SECRET_PLACEHOLDER, &pin, version::PLACEHOLDER].contains(&text) {
        return bad("it is the placeholder itself");
    }
    Ok(Some(ClientSecret(Zeroizing::new(text.to_owned()))))
}

/// `GOOGLE_OAUTH_CLIENT_SECRET` for `aileron-connector-google`.
fn service_variable(repo: &str) -> String {
    let service = repo.strip_prefix("aileron-connector-").unwrap_or(repo);
    let upper: String =
        service.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("{upper}_OAUTH_CLIENT_SECRET")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> ConnectorManifest {
        let text = "[connector]\nname = \"github://acme/aileron-connector-tea\"\nversion = \"0.0.0-dev\"\n\
            [capabilities.credential]\nkind = \"oauth2\"\n[capabilities.credential.oauth2]\n\
            authorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\nclient_id = \"tea\"\n\
            client_secret = \"bound-at-release\"\nscopes = [\"r\"]\n";
        let parsed = ConnectorManifest::parse(Source::new("m", text), Stage::Source);
        parsed.document.unwrap_or_else(|| panic!("{:?}", parsed.problems))
    }

    fn found(source: &SecretSource, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        found_as_configured(source, None, variables)
    }

    fn found_as_configured(
        source: &SecretSource,
        configured: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<String>, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let found = find(&manifest(), source, configured, &environment).map_err(|error| error.to_string())?;
        Ok(found.map(|secret| secret.text().to_owned()))
    }

    #[test] // artifacts.md §5
    fn file_and_variable_are_held_to_the_same_rules() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        for (value, secret, message) in [
            ("hunter2-secret", Some("hunter2-secret"), ""),
            ("hunter2-secret\n", Some("hunter2-secret"), ""),
            ("hunter2-secret\r\n", Some("hunter2-secret"), ""),
            ("with space inside", Some("with space inside"), ""),
            ("quote\"and\\slash", Some("quote\"and\\slash"), ""),
            ("größe-茶", Some("größe-茶"), ""),
            ("", None, "wants a client secret and none is set"),
            ("\n", None, "wants a client secret and none is set"),
            ("\r\n", None, "wants a client secret and none is set"),
            (" \t ", None, "wants a client secret and none is set"),
            ("\u{a0}", None, "wants a client secret and none is set"),
            ("hunter2-secret\n\n", None, "it has a line break inside"),
            ("hunter2\nsecret", None, "it has a line break inside"),
            ("hunter2-secret\r", None, "it has a line break inside"),
            ("hunter2\u{2028}secret", None, "it has a line break inside"),
            ("hunter2-\u{1b}secret", None, "it has a control character inside"),
            ("hunter2-\u{7f}secret", None, "it has a control character inside"),
            (" hunter2-secret", None, "it begins or ends with white space"),
            ("hunter2-secret ", None, "it begins or ends with white space"),
            ("hunter2-secret\t\n", None, "it has a control character inside"),
            ("bound-at-release", None, "it is the placeholder itself"),
            ("bound-at-release\n", None, "it is the placeholder itself"),
            ("sha256:bound-at-release", None, "it is the placeholder itself"),
            ("0.0.0-dev", None, "it is the placeholder itself"),
        ] {
            std::fs::write(&path, value).expect("writes");
            for (source, variables) in [
                (SecretSource::File(path.clone()), &[][..]),
                (SecretSource::Variable("MINE".into()), &[("MINE", value)]),
                (SecretSource::Default, &[("AILERON_CLIENT_SECRET", value)]),
                (SecretSource::Default, &[("TEA_OAUTH_CLIENT_SECRET", value)]),
            ] {
                match (found(&source, variables), secret) {
                    (Ok(found), Some(secret)) => assert_eq!(found.as_deref(), Some(secret), "{value:?} {source:?}"),
                    (Err(said), None) => {
                        assert!(said.contains(message), "{value:?} {source:?}: {said}");
                        assert!(!said.contains("hunter2"), "{said}");
                    }
                    (found, _) => panic!("{value:?} {source:?}: {found:?}"),
                }
            }
        }
        std::fs::write(&path, b"hunter2-\xff").expect("writes");
        let said = found(&SecretSource::File(path), &[]).expect_err("not text");
        assert!(said.contains("is not UTF-8") && !said.contains("hunter2"), "{said}");
    }

    #[test] // artifacts.md §5
    fn a_blank_variable_lets_the_next_name_be_looked_at() {
        for blank in ["", "\n", " ", "\r\n", "\u{3000}"] {
            let variables = [("AILERON_CLIENT_SECRET", blank), ("TEA_OAUTH_CLIENT_SECRET", "real")];
            assert_eq!(found(&SecretSource::Default, &variables), Ok(Some("real".into())), "{blank:?}");
        }
        let both = [("AILERON_CLIENT_SECRET", "first"), ("TEA_OAUTH_CLIENT_SECRET", "second")];
        assert_eq!(found(&SecretSource::Default, &both), Ok(Some("first".into())));
        let said = found(&SecretSource::Default, &[]).expect_err("nothing is set");
        assert!(said.ends_with("looked at $AILERON_CLIENT_SECRET, $TEA_OAUTH_CLIENT_SECRET"), "{said}");
    }

    #[test]
    fn the_variable_that_the_repository_names_is_the_only_one_unless_a_flag_names_another() {
        let all = [("AILERON_CLIENT_SECRET", "usual"), ("TEA_CLIENT_SECRET", "configured"), ("MINE", "flag")];
        let configured = Some("TEA_CLIENT_SECRET");
        let found = |source: &SecretSource, variables| found_as_configured(source, configured, variables);
        assert_eq!(found(&SecretSource::Default, &all), Ok(Some("configured".into())));
        assert_eq!(found(&SecretSource::Variable("MINE".into()), &all), Ok(Some("flag".into())));
        let said = found(&SecretSource::Default, &all[..1]).expect_err("the one that is named is not set");
        assert!(said.ends_with("looked at $TEA_CLIENT_SECRET"), "{said}");
    }

    #[test]
    fn a_secret_is_masked_however_it_is_written_down() {
        let text = manifest().source.text.replace("0.0.0-dev", "1.0.0");
        let bound = |value: &str| text.replace("\"bound-at-release\"", value);
        for value in ["\"hunter2\"", "'hunter2'", "\"\"\"\nhunter2\"\"\"", "\"\\u0068unter2\"", "\"hunter2\" # x"] {
            let shown = String::from_utf8(masked(bound(value).as_bytes()).to_vec()).expect("text");
            assert!(shown.contains("client_secret = ********") && !shown.contains("unter2"), "{shown}");
            assert!(shown.contains("scopes = [\"r\"]"), "{shown}");
        }
        assert_eq!(&masked(b"client_secret = hunter2")[..], b"not a manifest");
    }

    #[test] // artifacts.md §5
    fn a_service_has_a_variable_of_its_own() {
        for (repo, variable) in [
            ("aileron-connector-google", "GOOGLE_OAUTH_CLIENT_SECRET"),
            ("aileron-connector-google-ads", "GOOGLE_ADS_OAUTH_CLIENT_SECRET"),
            ("weather", "WEATHER_OAUTH_CLIENT_SECRET"),
        ] {
            assert_eq!(service_variable(repo), variable);
        }
    }
}
