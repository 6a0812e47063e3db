//! `devcontainer-feature.json`, as far as a unit is concerned. cli-unit.md §12.1.

use crate::problem::Source;
use crate::text::json::tape::{Kind, Syntax, Tape, Value};

use super::document::Unit;
use super::label::{cli_block, described};
use super::read::{self, UnitError};
use super::rules;
use super::tree::Fault;

/// Name of a Feature's manifest in its folder.
pub const MANIFEST: &str = "devcontainer-feature.json";

/// The unit a Feature carries, if it carries one. The manifest is strict JSON.
///
/// # Errors
/// [`UnitError`]: it is not one JSON object, or its unit is none.
pub fn unit_from_manifest(source: &Source) -> Result<Option<Unit>, UnitError> {
    let tape = Tape::read(source.text.as_bytes(), Syntax::STRICT).map_err(|error| {
        let fault = Fault { rule: rules::CU001, at: error.at..error.at + 1, text: error.to_string() };
        UnitError::several(source, "parse devcontainer-feature.json: ", vec![fault], true)
    })?;
    let block = manifest_block(source, tape.root())?;
    block.map(|block| read::unit_from_json(source, block)).transpose()
}

/// The unit's block in a manifest that was read.
pub(super) fn manifest_block<'t>(source: &Source, root: Value<'t>) -> Result<Option<Value<'t>>, UnitError> {
    let refused = |fault: Fault| UnitError::several(source, "parse devcontainer-feature.json: ", vec![fault], true);
    if root.kind() != Kind::Object {
        let text = format!("cannot unmarshal {} into a manifest: want an object", described(root.kind()));
        return Err(refused(Fault { rule: rules::CU003, at: root.at(), text }));
    }
    cli_block(root).map_err(refused)
}
