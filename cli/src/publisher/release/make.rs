//! Bind, build, pin: from committed templates to the exact bytes that will be signed. Always in copies.

use std::path::Path;

use aileron_verifier::binding::{self, Edit};
use aileron_verifier::capability::Capabilities;
use aileron_verifier::cohort::Toolchain;
use aileron_verifier::digest::ContentHash;
use aileron_verifier::fqn::Ref;
use aileron_verifier::module::Module;
use aileron_verifier::problem::{Problem, Source};
use aileron_verifier::toml;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::error::named;
use super::{Ready, ReleaseError, Request, SecretSource, World};
use crate::publisher::build;
use crate::publisher::lint::{Checked, Findings};
use crate::secret::Secret;
use crate::sys::disk;
use crate::sys::environment::Environment;

/// Longest client secret that is read from a file.
const SECRET_LIMIT: u64 = 64 * 1024;

/// The manifest's exact text, and where the actions will be edited.
pub struct Bound {
    ready: Ready,
    manifest: Zeroizing<String>,
    edits: Vec<Edit>,
}

/// Fills the version and the client secret into a copy of the manifest; the actions wait for the content hash.
///
/// # Errors
/// [`ReleaseError`] when a secret is missing or not wanted, or a placeholder would be left.
pub fn bind(ready: Ready, request: &Request, world: &World<'_>) -> Result<Bound, ReleaseError> {
    let manifest = &ready.checked.manifest;
    let secret = client_secret(&ready, &request.client_secret, world.environment)?;
    let text = secret.as_ref().map(|(secret, origin)| as_text(secret, origin)).transpose()?;
    let edits = binding::manifest(manifest, &request.version, text).map_err(|problems| stopped(problems, &ready))?;
    let bound = Zeroizing::new(binding::apply(&manifest.source.text, &edits));
    let source = &manifest.source;
    let left = binding::leftovers(source, toml::after_mark(source)..source.text.len(), &edits);
    if !left.is_empty() {
        return Err(leftovers(left, &ready));
    }
    Ok(Bound { manifest: bound, edits, ready })
}

fn as_text<'a>(secret: &'a Secret, origin: &str) -> Result<&'a str, ReleaseError> {
    std::str::from_utf8(secret.expose()).map_err(|_| ReleaseError::ClientSecretNotText(origin.to_owned()))
}

/// The client secret and where it came from, if a field wants one. artifacts.md §5.
fn client_secret(
    ready: &Ready,
    source: &SecretSource,
    environment: &Environment,
) -> Result<Option<(Secret, String)>, ReleaseError> {
    if binding::client_secret(&ready.checked.manifest).is_none() {
        return match source {
            SecretSource::Default => Ok(None),
            SecretSource::Variable(_) => Err(ReleaseError::UnwantedClientSecret("--client-secret-env")),
            SecretSource::File(_) => Err(ReleaseError::UnwantedClientSecret("--client-secret-file")),
        };
    }
    let variables = match source {
        SecretSource::File(path) => return from_file(path).map(Some),
        SecretSource::Variable(name) => vec![name.clone()],
        SecretSource::Default => {
            vec!["AILERON_CLIENT_SECRET".to_owned(), service_variable(ready.release.name.repo())]
        }
    };
    let found = variables.iter().find_map(|name| Some((environment.secret(name)?, name.clone())));
    let looked_at = || variables.iter().map(|name| format!("${name}")).collect();
    found.map(Some).ok_or_else(|| ReleaseError::NoClientSecret { looked_at: looked_at() })
}

fn from_file(path: &Path) -> Result<(Secret, String), ReleaseError> {
    let bytes = Zeroizing::new(disk::read(path, SECRET_LIMIT)?);
    let content = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let content = content.strip_suffix(b"\r").filter(|_| bytes.ends_with(b"\r\n")).unwrap_or(content);
    if content.is_empty() {
        return Err(ReleaseError::NoClientSecret { looked_at: vec![format!("{} (empty)", named(path))] });
    }
    Ok((Secret::from(content.to_vec()), named(path)))
}

/// `GOOGLE_OAUTH_CLIENT_SECRET` for `aileron-connector-google`.
fn service_variable(repo: &str) -> String {
    let service = repo.strip_prefix("aileron-connector-").unwrap_or(repo);
    let upper: String =
        service.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("{upper}_OAUTH_CLIENT_SECRET")
}

fn stopped(problems: Vec<Problem>, ready: &Ready) -> ReleaseError {
    ReleaseError::Check(Box::new(findings(problems, ready)))
}

fn leftovers(problems: Vec<Problem>, ready: &Ready) -> ReleaseError {
    ReleaseError::Leftovers(Box::new(findings(problems, ready)))
}

fn findings(problems: Vec<Problem>, ready: &Ready) -> Findings {
    let actions = ready.checked.actions.iter().map(|action| &action.source);
    let sources = std::iter::once(&ready.checked.manifest.source).chain(actions);
    let wanted = |source: &&Source| problems.iter().any(|problem| problem.file == source.path);
    let sources = sources.filter(wanted).cloned().collect();
    Findings {
        checked: None,
        sources,
        problems,
        waived: ready.checked.waived.clone(),
        actions: ready.checked.actions.len(),
    }
}

/// The module, and what it was made with.
pub struct Built {
    bound: Bound,
    wasm: Vec<u8>,
    module: Module,
    toolchain: Toolchain,
}

/// Builds the connector in a temporary copy of the repository, and compares what it imports with what is declared.
///
/// # Errors
/// [`ReleaseError::Build`] with the toolchain's own words, or what makes the module no connector.
pub fn build(bound: Bound, request: &Request, world: &World<'_>) -> Result<Built, ReleaseError> {
    let Compiled { wasm, module, toolchain } = compile(&bound.ready.checked, request.wasm.as_deref(), world)?;
    Ok(Built { bound, wasm, module, toolchain })
}

/// A connector module, looked at.
pub struct Compiled {
    /// Its bytes.
    pub wasm: Vec<u8>,
    /// What it imports and exports.
    pub module: Module,
    /// What made it.
    pub toolchain: Toolchain,
}

/// Builds the module, or takes a prebuilt one; the version has no part in it.
///
/// # Errors
/// As [`build`].
pub fn compile(checked: &Checked, prebuilt: Option<&Path>, world: &World<'_>) -> Result<Compiled, ReleaseError> {
    let project = &checked.project;
    world.begin(build::announce(&project.files, prebuilt)?, 0);
    let built = build::build(&project.files, prebuilt, world.spawner())?;
    world.go_on()?;
    let module = Module::of_build(&built.wasm)?;
    let declared = checked.manifest.imports.as_ref();
    let declared: Option<Vec<String>> = declared.map(|list| list.iter().map(|import| import.value.clone()).collect());
    let faults = module.faults(declared.as_deref());
    if !faults.is_empty() {
        return Err(ReleaseError::NotAConnector(faults));
    }
    world.end(format!("{} bytes, {} host functions", built.wasm.len(), module.host_functions().len()));
    Ok(Compiled { wasm: built.wasm, module, toolchain: built.toolchain })
}

/// The exact bytes to sign.
pub struct Pinned {
    /// The repository they were made from.
    pub(super) ready: Ready,
    /// `connector.wasm`.
    pub(super) wasm: Vec<u8>,
    /// The bound manifest.
    pub(super) manifest: Zeroizing<String>,
    /// Identity of the connector.
    pub(super) content: ContentHash,
    /// Each action's Ref and bound text, in name order.
    pub(super) actions: Vec<(Ref, String)>,
    /// The difference between source and bound texts, edit by edit: by construction there is no other.
    pub(super) changes: Vec<Change>,
    /// What compiled the module.
    pub(super) toolchain: Toolchain,
    /// What the connector may do.
    pub(super) capabilities: Capabilities,
}

/// Hashes module and manifest, and writes version and hash into copies of the actions.
///
/// # Errors
/// [`ReleaseError::Leftovers`] when a placeholder would be left in a value.
pub fn pin(built: Built, world: &World<'_>) -> Result<Pinned, ReleaseError> {
    let Built { bound: Bound { ready, manifest, edits: manifest_edits }, wasm, module, toolchain } = built;
    world.go_on()?;
    let content = ContentHash::of(&[&wasm, manifest.as_bytes()]);
    let (connector, version) = (&ready.release.name, &ready.release.version);
    let pinned = ready.checked.actions.par_iter().map(|action| {
        let edits = binding::action(action, connector, version, Some(&content))?;
        let left = binding::leftovers(&action.source, action.front_matter.clone(), &edits);
        let text = binding::apply(&action.source.text, &edits);
        let reference = Ref { name: action.reference.value.name.clone(), version: version.clone() };
        Ok(((reference, text), lines(&action.source, &edits), left))
    });
    let pinned: Vec<Result<_, Vec<Problem>>> = pinned.collect();
    let mut actions = Vec::with_capacity(pinned.len());
    let mut changes = lines(&ready.checked.manifest.source, &manifest_edits);
    let mut left = Vec::new();
    for pinned in pinned {
        let (action, changed, placeholders) = pinned.map_err(|problems| stopped(problems, &ready))?;
        actions.push(action);
        changes.extend(changed);
        left.extend(placeholders);
    }
    if !left.is_empty() {
        return Err(leftovers(left, &ready));
    }
    let capabilities = Capabilities::of(&ready.checked.manifest, &module);
    Ok(Pinned { wasm, manifest, content, actions, changes, toolchain, capabilities, ready })
}

/// What is known before anything is signed.
pub struct Preview {
    /// The connector.
    pub release: Ref,
    /// Its identity.
    pub content: ContentHash,
    /// Size of the module in bytes.
    pub wasm_size: usize,
    /// The module itself.
    pub wasm: Vec<u8>,
    /// What compiled it.
    pub toolchain: Toolchain,
    /// What it may do.
    pub capabilities: Capabilities,
    /// File by file, the lines a release changes; secrets masked.
    pub changes: Vec<Change>,
}

/// One changed line of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The committed line.
    pub from: String,
    /// The bound line.
    pub to: String,
}

impl Pinned {
    pub(super) fn preview(self) -> Preview {
        Preview {
            release: self.ready.release,
            content: self.content,
            wasm_size: self.wasm.len(),
            wasm: self.wasm,
            toolchain: self.toolchain,
            capabilities: self.capabilities,
            changes: self.changes,
        }
    }
}

fn lines(source: &Source, edits: &[Edit]) -> Vec<Change> {
    let line = |edit: &Edit| {
        let start = source.text[..edit.at.start].rfind('\n').map_or(0, |at| at + 1);
        let end = source.text[edit.at.end..].find(['\n', '\r']).map_or(source.text.len(), |at| edit.at.end + at);
        let (before, after) = (&source.text[start..edit.at.start], &source.text[edit.at.end..end]);
        let new = if edit.field == binding::Field::ClientSecret { "\"********\"" } else { &edit.text };
        Change {
            file: source.path.to_string(),
            line: source.position(edit.at.start).0,
            from: source.text[start..end].to_owned(),
            to: format!("{before}{new}{after}"),
        }
    };
    edits.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
