//! Whose credential a registry gets: flags, docker's configuration and its helpers, a job's token for GitHub's registry.
//!
//! Each is for one host and goes to no other. Secrets are never arguments of a process: a helper is asked through its standard
//! input, as docker asks it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use aileron_verifier::text::printable;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::error::RegistryError;
use super::reference::Repository;
use crate::secret::Secret;
use crate::sys::disk;
use crate::sys::process::{ProcessError, Spawner};

/// Most bytes of docker's configuration, of a password file and of a helper's answer.
const LIMIT: u64 = 1 << 20;
/// What docker's files have as the name of a user whose password is a refresh token.
const IS_IDENTITY_TOKEN: &str = "<token>";

/// A credential for one registry.
pub enum Credential {
    /// Name and password, or a token in its place.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token, which the realm exchanges for a token.
    Identity(Secret),
}

/// A credential and where it comes from, for people.
pub struct FoundCredential {
    /// The credential.
    pub credential: Credential,
    /// "GITHUB_TOKEN", "docker's config.json".
    pub origin: String,
}

/// What a user gave on the command line.
#[derive(Clone, Debug, Default)]
pub struct CredentialFlags {
    /// The name.
    pub username: Option<String>,
    /// The file that holds the password; `-` for standard input is the shell's `/dev/stdin`.
    pub password_file: Option<PathBuf>,
}

/// The credential for a repository's registry; `None` where nothing is known for it.
///
/// # Errors
/// [`RegistryError::Credential`], [`RegistryError::Helper`], [`RegistryError::Disk`].
pub fn find(
    flags: &CredentialFlags,
    repository: &Repository,
    spawner: Spawner<'_>,
) -> Result<Option<FoundCredential>, RegistryError> {
    match (&flags.username, &flags.password_file) {
        (Some(username), Some(file)) => {
            let password = without_line_end(Zeroizing::new(disk::read_named(file, LIMIT)?));
            if password.is_blank() {
                return Err(RegistryError::Credential(format!("the password file {} is empty", file.display())));
            }
            let credential = Credential::Password { username: username.clone(), password };
            return Ok(Some(FoundCredential { credential, origin: format!("--username {}", printable(username)) }));
        }
        (Some(_), None) => return Err(RegistryError::Credential("--username needs --password-file FILE".to_owned())),
        (None, Some(_)) => return Err(RegistryError::Credential("--password-file needs --username NAME".to_owned())),
        (None, None) => {}
    }
    if let Some(found) = of_docker(repository, spawner)? {
        return Ok(Some(found));
    }
    let token = repository.is_github().then(|| spawner.environment.secret("GITHUB_TOKEN")).flatten();
    Ok(token.map(|token| {
        // GitHub's registry looks at the token only; a name has to be there.
        let username = spawner.environment.var("GITHUB_ACTOR").and_then(|name| name.to_str()).unwrap_or("token");
        let password = without_line_end(Zeroizing::new(token.expose().to_vec()));
        let credential = Credential::Password { username: username.to_owned(), password };
        FoundCredential { credential, origin: "GITHUB_TOKEN".to_owned() }
    }))
}

fn without_line_end(mut bytes: Zeroizing<Vec<u8>>) -> Secret {
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Secret::from(bytes)
}

/// docker's `config.json`, as far as it is about registries.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<SecretText>,
    username: Option<String>,
    password: Option<SecretText>,
    identitytoken: Option<SecretText>,
}

/// What a credential helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: SecretText,
}

/// A text that goes from the document into a [`Secret`].
struct SecretText(Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(Secret::from(text.to_owned())))
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<SecretText, E> {
                Ok(SecretText(Secret::from(text)))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// The names under which docker's files may have a registry.
fn names(repository: &Repository) -> Vec<Cow<'_, str>> {
    let host = repository.registry();
    let mut names = vec![Cow::Borrowed(host), format!("https://{host}").into(), format!("https://{host}/").into()];
    if host == "docker.io" {
        names.extend(["https://index.docker.io/v1/", "index.docker.io"].map(Cow::Borrowed));
    }
    names
}

fn of_docker(repository: &Repository, spawner: Spawner<'_>) -> Result<Option<FoundCredential>, RegistryError> {
    let Some(file) = config_file(spawner) else { return Ok(None) };
    let Some(bytes) = disk::read_if_there(&file, LIMIT)?.map(Zeroizing::new) else { return Ok(None) };
    // Where it is wrong, and no word of what stands there.
    let unreadable = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        RegistryError::Credential(format!("{}: cannot be read at line {line}, column {column}", file.display()))
    };
    let config: DockerConfig = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let names = names(repository);
    let helper = names.iter().find_map(|name| config.cred_helpers.get(&**name));
    if let Some(helper) = helper.or(config.creds_store.as_ref()).filter(|helper| !helper.is_empty())
        && let Some(found) = of_helper(helper, &names, spawner)?
    {
        return Ok(Some(found));
    }
    for name in &names {
        let Some(auth) = config.auths.get(&**name) else { continue };
        let wrong = |why: &str| RegistryError::Credential(format!("{}: the entry for {name} {why}", file.display()));
        if let Some(credential) = of_auth(auth).map_err(wrong)? {
            return Ok(Some(FoundCredential { credential, origin: shown_file(&file, spawner) }));
        }
    }
    Ok(None)
}

/// `DOCKER_CONFIG` names the directory, else it is `~/.docker`.
fn config_file(spawner: Spawner<'_>) -> Option<PathBuf> {
    let variable = |name: &str| spawner.environment.var(name).map(PathBuf::from);
    let home = || Some(variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?.join(".docker"));
    Some(variable("DOCKER_CONFIG").or_else(home)?.join("config.json"))
}

fn shown_file(file: &Path, spawner: Spawner<'_>) -> String {
    spawner.environment.below_home(file)
}

/// An entry of `auths`; an empty one stands for a credential that is in a store.
fn of_auth(auth: &Auth) -> Result<Option<Credential>, &'static str> {
    if let Some(token) = auth.identitytoken.as_ref().filter(|token| !token.0.is_blank()) {
        return Ok(Some(Credential::Identity(copied(&token.0))));
    }
    if let (Some(username), Some(password)) = (&auth.username, &auth.password) {
        return Ok(Some(Credential::Password { username: username.clone(), password: copied(&password.0) }));
    }
    let Some(auth) = auth.auth.as_ref().filter(|auth| !auth.0.is_blank()) else { return Ok(None) };
    let decoded = lenient().decode(auth.0.expose().trim_ascii()).map(Zeroizing::new);
    let decoded = decoded.map_err(|_| "has an `auth` that is not base64")?;
    let at = decoded.iter().position(|byte| *byte == b':').ok_or("has an `auth` without a `:` in it")?;
    let username = std::str::from_utf8(&decoded[..at]).map_err(|_| "has a user name that is not UTF-8")?.to_owned();
    // Some of docker's versions filled it up.
    let end = decoded.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let password = Secret::from(decoded.get(at + 1..end).unwrap_or_default().to_vec());
    Ok(Some(Credential::Password { username, password }))
}

fn lenient() -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, config)
}

fn copied(secret: &Secret) -> Secret {
    Secret::from(secret.expose().to_vec())
}

/// What `docker-credential-NAME get` knows of the registry; `None` where it knows nothing.
fn of_helper(
    helper: &str,
    names: &[Cow<'_, str>],
    spawner: Spawner<'_>,
) -> Result<Option<FoundCredential>, RegistryError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !helper.bytes().all(is_name) {
        let text =
            format!("docker's config.json names the credential helper \"{}\", which is not a name", printable(helper));
        return Err(RegistryError::Credential(text));
    }
    let program = format!("docker-credential-{helper}");
    let missing = || RegistryError::Credential(format!("{program}, which docker's config.json names, is not in PATH"));
    let file = spawner.environment.find(&program).ok_or_else(missing)?;
    for name in names {
        let command = spawner.command("docker-credential").found_at(&file).args(["get"]);
        let command = command.inherit(&["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "GNUPGHOME", "PASSWORD_STORE_DIR"]);
        let asked = command.stream(|input| input.write_all(name.as_bytes()), answer);
        let asked = asked.map_err(RegistryError::Helper)?;
        let value = asked.value.map_err(|error| RegistryError::Credential(format!("{program}: {error}")))?;
        if !asked.status.success() {
            continue; // "credentials not found" and every other no: it has none for this name
        }
        let read: HelperAnswer = serde_json::from_slice(&value)
            .map_err(|_| RegistryError::Credential(format!("{program}: its answer is not what docker takes")))?;
        if read.secret.0.is_blank() {
            continue;
        }
        let credential = match read.username.as_str() {
            IS_IDENTITY_TOKEN => Credential::Identity(read.secret.0),
            _ => Credential::Password { username: read.username, password: read.secret.0 },
        };
        return Ok(Some(FoundCredential { credential, origin: program }));
    }
    Ok(None)
}

fn answer(output: &mut dyn BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 14));
    output.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl From<ProcessError> for RegistryError {
    fn from(error: ProcessError) -> RegistryError {
        RegistryError::Helper(error)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::sys::environment::Environment;

    struct Machine {
        home: tempfile::TempDir,
        variables: Vec<(OsString, OsString)>,
    }

    impl Machine {
        fn with(config: &str) -> Machine {
            let home = tempfile::tempdir().expect("a directory");
            fs::create_dir(home.path().join(".docker")).expect("a directory");
            fs::write(home.path().join(".docker/config.json"), config).expect("writes");
            let path = format!("{}:/usr/bin:/bin", home.path().display());
            let variables = vec![("HOME".into(), home.path().into()), ("PATH".into(), path.into())];
            Machine { home, variables }
        }

        fn helper(self, script: &str) -> Machine {
            let file = self.home.path().join("docker-credential-toy");
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("writes");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("is executable");
            self
        }

        fn variable(mut self, name: &str, value: &str) -> Machine {
            self.variables.push((name.into(), value.into()));
            self
        }

        /// `name:password (origin)`, `token <...> (origin)`, `none`, or the error.
        fn told(&self, registry: &str, flags: &CredentialFlags) -> String {
            let environment: Environment = self.variables.iter().cloned().collect();
            let stop = AtomicBool::new(false);
            let repository = format!("{registry}/acme/gh").parse::<super::super::reference::Reference>();
            let repository = repository.expect("a reference").repository;
            let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
            match find(flags, &repository, Spawner { environment: &environment, stop: &stop }) {
                Ok(None) => "none".to_owned(),
                Ok(Some(FoundCredential { credential: Credential::Password { username, password }, origin })) => {
                    format!("{username}:{} ({origin})", text(&password))
                }
                Ok(Some(FoundCredential { credential: Credential::Identity(token), origin })) => {
                    format!("token {} ({origin})", text(&token))
                }
                Err(error) => error.to_string().replace(&self.home.path().display().to_string(), "~"),
            }
        }
    }

    #[test]
    fn a_credential_comes_from_flags_docker_or_a_jobs_token_and_is_for_one_registry() {
        let none = CredentialFlags::default();
        // bob:pa:ss, and with filling zeros
        let config = r#"{"auths": {"reg.example": {"auth": "Ym9iOnBhOnNz"}, "https://slash.example/": {"auth": "Ym9iOnB3AAA="},
            "https://index.docker.io/v1/": {"auth": "aHViOnB3"}, "id.example": {"auth": "", "identitytoken": "ref"},
            "plain.example": {"username": "u", "password": "p"}, "empty.example": {}, "bad.example": {"auth": "%"},
            "bare.example": {"auth": "Ym9i"}}, "other": [1]}"#;
        let machine = Machine::with(config).variable("GITHUB_TOKEN", "ghs_job\n");
        for (registry, expected) in [
            ("reg.example", "bob:pa:ss (~/.docker/config.json)"),
            ("slash.example", "bob:pw (~/.docker/config.json)"),
            ("docker.io", "hub:pw (~/.docker/config.json)"),
            ("id.example", "token ref (~/.docker/config.json)"),
            ("plain.example", "u:p (~/.docker/config.json)"),
            ("empty.example", "none"),
            ("unknown.example", "none"),
            ("ghcr.io", "token:ghs_job (GITHUB_TOKEN)"),
            ("ghcr.io:444", "none"),
            ("bad.example", "~/.docker/config.json: the entry for bad.example has an `auth` that is not base64"),
            ("bare.example", "~/.docker/config.json: the entry for bare.example has an `auth` without a `:` in it"),
        ] {
            assert_eq!(machine.told(registry, &none), expected, "{registry}");
        }
        let broken = Machine::with("{\"auths\": {\"ghcr.io\": {\"auth\": \"c2VjcmV0\n");
        let error = broken.told("ghcr.io", &none);
        assert!(
            error.starts_with("~/.docker/config.json: cannot be read at line ") && !error.contains("c2Vj"),
            "{error}"
        );
    }

    #[test]
    fn flags_come_first_and_are_two() {
        let machine = Machine::with("{}").variable("GITHUB_TOKEN", "ghs_job");
        let file = machine.home.path().join("password");
        fs::write(&file, "s3cret\r\n").expect("writes");
        let flags = |username: Option<&str>, file: Option<&Path>| CredentialFlags {
            username: username.map(str::to_owned),
            password_file: file.map(Path::to_owned),
        };
        assert_eq!(machine.told("ghcr.io", &flags(Some("bob"), Some(&file))), "bob:s3cret (--username bob)");
        assert_eq!(machine.told("ghcr.io", &flags(Some("bob"), None)), "--username needs --password-file FILE");
        assert_eq!(machine.told("ghcr.io", &flags(None, Some(&file))), "--password-file needs --username NAME");
        fs::write(&file, "\n").expect("writes");
        assert_eq!(machine.told("ghcr.io", &flags(Some("bob"), Some(&file))), "the password file ~/password is empty");
    }

    #[test]
    fn a_helper_is_asked_through_its_input_for_the_registry_it_is_named_for() {
        let none = CredentialFlags::default();
        let toy = "read server; test \"$1\" = get || exit 3; case $server in reg.example) echo '{\"ServerURL\":\"reg.example\",\"Username\":\"bob\",\"Secret\":\"pw\"}';; id.example) echo '{\"Username\":\"<token>\",\"Secret\":\"ref\"}';; odd.example) echo no;; *) echo credentials not found in native keychain; exit 1;; esac";
        let config = r#"{"credHelpers": {"reg.example": "toy", "gone.example": "gone", "evil.example": "../toy"},
            "auths": {"kept.example": {"auth": "Ym9iOnB3"}}, "credsStore": "toy"}"#;
        let machine = Machine::with(config).helper(toy);
        for (registry, expected) in [
            ("reg.example", "bob:pw (docker-credential-toy)"),
            ("id.example", "token ref (docker-credential-toy)"),
            ("kept.example", "bob:pw (~/.docker/config.json)"),
            ("unknown.example", "none"),
            ("odd.example", "docker-credential-toy: its answer is not what docker takes"),
            ("gone.example", "docker-credential-gone, which docker's config.json names, is not in PATH"),
            ("evil.example", "docker's config.json names the credential helper \"../toy\", which is not a name"),
        ] {
            assert_eq!(machine.told(registry, &none), expected, "{registry}");
        }
    }
}
