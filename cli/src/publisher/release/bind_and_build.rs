//! Bind, build, pin: from committed templates to the exact bytes that will be signed. Always in copies.

use std::path::Path;

use aileron_verifier::artifact::binding::{self, Edit};
use aileron_verifier::artifact::capability::Capabilities;
use aileron_verifier::artifact::module::Module;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::{Problem, Source};
use aileron_verifier::statement::cohort::Toolchain;
use aileron_verifier::text::toml;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::client_secret::{self, ClientSecret};
use super::{Ready, ReleaseError, ReleaseRequest, World};
use crate::publisher::build;
use crate::publisher::lint::{Checked, Findings};

/// The manifest's exact text, and where the actions will be edited.
pub struct Bound {
    pub(super) ready: Ready,
    pub(super) manifest: Zeroizing<String>,
    edits: Vec<Edit>,
}

/// Fills the version and the client secret into a copy of the manifest; the actions wait for the content hash.
///
/// # Errors
/// [`ReleaseError`] when a secret is missing or not wanted, or a placeholder would be left.
pub fn bind(ready: Ready, request: &ReleaseRequest, world: &World<'_>) -> Result<Bound, ReleaseError> {
    let (manifest, configured) = (&ready.checked.manifest, ready.checked.config.client_secret_env.as_deref());
    let secret = client_secret::find(manifest, &request.client_secret, configured, world.environment)?;
    bind_with(ready, secret, request)
}

/// The same with a secret that was found before.
pub(super) fn bind_with(
    ready: Ready,
    secret: Option<ClientSecret>,
    request: &ReleaseRequest,
) -> Result<Bound, ReleaseError> {
    let manifest = &ready.checked.manifest;
    let text = secret.as_ref().map(ClientSecret::text);
    let edits = binding::manifest(manifest, &request.version, text).map_err(|problems| stopped(problems, &ready))?;
    let bound = Zeroizing::new(binding::apply(&manifest.source.text, &edits));
    let source = &manifest.source;
    let left = binding::leftovers(source, toml::after_mark(source)..source.text.len(), &edits);
    if !left.is_empty() {
        return Err(leftovers(left, &ready));
    }
    Ok(Bound { manifest: bound, edits, ready })
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
    let mut sources: Vec<Source> = sources.filter(wanted).cloned().collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Findings {
        more: 0,
        checked: None,
        sources,
        problems,
        waived: ready.checked.waived.clone(),
        actions: ready.checked.actions.len(),
    }
}

/// The module, and what it was made with.
pub struct Built {
    pub(super) bound: Bound,
    pub(super) wasm: Vec<u8>,
    pub(super) module: Module,
    pub(super) toolchain: Toolchain,
}

/// Builds the connector in a temporary copy of the repository, and compares what it imports with what is declared.
///
/// # Errors
/// [`ReleaseError::Build`] with the toolchain's own words, or what makes the module no connector.
pub fn build(bound: Bound, request: &ReleaseRequest, world: &World<'_>) -> Result<Built, ReleaseError> {
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
    let language = checked.config.language;
    world.begin(build::announce(&project.files, language, prebuilt)?, 0);
    let built = build::build(&project.files, language, prebuilt, world.spawner())?;
    world.check_interrupted()?;
    let module = connector_module(&built.wasm, checked)?;
    world.end(format!("{} bytes, {} host functions", built.wasm.len(), module.host_functions().len()));
    Ok(Compiled { wasm: built.wasm, module, toolchain: built.toolchain })
}

/// Looks at a module, and compares what it imports with what the manifest declares.
///
/// # Errors
/// [`ReleaseError::NotAModule`] or [`ReleaseError::NotAConnector`].
pub(super) fn connector_module(wasm: &[u8], checked: &Checked) -> Result<Module, ReleaseError> {
    let module = Module::of_build(wasm)?;
    let declared = checked.manifest.imports.as_ref();
    let declared: Option<Vec<String>> = declared.map(|list| list.iter().map(|import| import.value.clone()).collect());
    let faults = module.faults(declared.as_deref());
    if !faults.is_empty() {
        return Err(ReleaseError::NotAConnector(faults));
    }
    Ok(module)
}

/// The exact bytes to sign.
pub struct PinnedCohort {
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
pub fn pin(built: Built, world: &World<'_>) -> Result<PinnedCohort, ReleaseError> {
    let Built { bound: Bound { ready, manifest, edits: manifest_edits }, wasm, module, toolchain } = built;
    world.check_interrupted()?;
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
    Ok(PinnedCohort { wasm, manifest, content, actions, changes, toolchain, capabilities, ready })
}

/// What is known before anything is signed.
pub struct ReleasePreview {
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

/// One changed line of one file, with every edit in it. A value over several lines makes it several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: String,
    /// Its first line, from 1.
    pub line: usize,
    /// The committed line or lines, without the last line end.
    pub from: String,
    /// The bound line or lines.
    pub to: String,
}

impl PinnedCohort {
    pub(super) fn preview(self) -> ReleasePreview {
        ReleasePreview {
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

/// The lines that change, with all edits of a line together.
fn lines(source: &Source, edits: &[Edit]) -> Vec<Change> {
    let text = &source.text;
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.at.start);
    let line_end = |at: usize| text[at..].find(['\n', '\r']).map_or(text.len(), |end| at + end);
    let mut changes: Vec<Change> = Vec::new();
    let mut rest = edits.as_slice();
    while let [first, ..] = rest {
        // A byte-order mark is not part of the first line.
        let start = text[..first.at.start].rfind('\n').map_or(toml::after_mark(source), |at| at + 1);
        let (mut at, mut end, mut to) = (start, line_end(first.at.end), String::new());
        while let [edit, others @ ..] = rest
            && edit.at.start <= end
        {
            to.push_str(&text[at..edit.at.start]);
            to.push_str(if edit.field == binding::Field::ClientSecret { MASK } else { &edit.text });
            at = edit.at.end;
            end = line_end(at);
            rest = others;
        }
        to.push_str(&text[at..end]);
        let line = source.position(start).0;
        changes.push(Change { file: source.path.to_string(), line, from: text[start..end].to_owned(), to });
    }
    changes
}

/// What a client secret looks like in a difference.
const MASK: &str = "\"********\"";

#[cfg(test)]
mod tests;
