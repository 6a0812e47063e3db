//! Strict readers of the two documents: what a user writes to override, and what a unit renders to. cli-unit.md §9.3.

use std::collections::BTreeSet;

use crate::problem::Source;
use crate::text::quote::Quoted;

use super::decode::Slot;
use super::projection::{BindingEntry, CaptureDescriptor, DocumentVersion};
use super::read::{UnitError, yaml_tree};
use super::tree::Fault;
use super::{decode, rules, validate};

/// Reads a capture document.
///
/// # Errors
/// [`UnitError`], whose text begins with `capture: `.
pub fn read_capture(source: &Source) -> Result<CaptureDescriptor, UnitError> {
    const PARSE: &str = "capture: parse descriptor: ";
    let (root, _) = yaml_tree(source, PARSE)?;
    let raw = decode::capture(&root).map_err(|faults| UnitError::several(source, PARSE, faults, true))?;
    check_version(source, "capture", &raw.version)?;
    let descriptor = || {
        present(&raw.name, "name")?;
        let acquisition = validate::acquisition(&raw.acquisition)?;
        present(&raw.store_at, "store_at")?;
        present(&raw.kind, "kind")?;
        Ok(CaptureDescriptor {
            version: DocumentVersion::V1,
            name: raw.name.text.clone(),
            image: acquisition.image,
            container_name: acquisition.container_name,
            login_cmd: acquisition.login_cmd,
            token_cmd: acquisition.token_cmd,
            browser_shim: acquisition.browser_shim,
            config_dir: acquisition.config_dir,
            store_at: raw.store_at.text.clone(),
            kind: raw.kind.text.clone(),
        })
    };
    let prefix = format!("capture: descriptor {}: ", Quoted(&raw.name.text));
    descriptor().map_err(|fault| UnitError::one(source, &prefix, fault))
}

/// Reads a binding document.
///
/// # Errors
/// [`UnitError`], whose text begins with `proxybinding: `.
pub fn read_bindings(source: &Source) -> Result<Vec<BindingEntry>, UnitError> {
    const PARSE: &str = "proxybinding: parse descriptor: ";
    let (root, _) = yaml_tree(source, PARSE)?;
    let raw = decode::bindings(&root).map_err(|faults| UnitError::several(source, PARSE, faults, true))?;
    check_version(source, "proxybinding", &raw.version)?;
    let mut entries = Vec::with_capacity(raw.bindings.len());
    let mut seen = BTreeSet::new();
    for (index, raw) in raw.bindings.iter().enumerate() {
        let named = match raw.host.text.as_str() {
            "" => format!(
                "identity (kind {}, identity_label {})",
                Quoted(&raw.kind.text),
                Quoted(&raw.identity_label.text)
            ),
            host => format!("host {}", Quoted(host)),
        };
        let entry = validate::binding(raw)
            .map_err(|fault| UnitError::one(source, &format!("proxybinding: binding {index} ({named}): "), fault))?;
        if !seen.insert(entry.override_key()) {
            let what = if entry.host.is_empty() { named } else { format!("host {}", Quoted(&entry.host)) };
            let text = format!("duplicate binding {what} within a single descriptor");
            let fault = Fault { rule: rules::CL105, at: raw.host.at.clone(), text };
            return Err(UnitError::one(source, "proxybinding: ", fault));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn check_version(source: &Source, document: &str, version: &Slot) -> Result<(), UnitError> {
    if version.text == "v1" {
        return Ok(());
    }
    let text = format!("unsupported descriptor version {} (want \"v1\")", Quoted(&version.text));
    let fault = Fault { rule: rules::CU003, at: version.at.clone(), text };
    Err(UnitError::one(source, &format!("{document}: "), fault))
}

fn present(slot: &Slot, field: &str) -> Result<(), Fault> {
    if !slot.text.is_empty() {
        return Ok(());
    }
    Err(Fault { rule: rules::CU010, at: slot.at.clone(), text: format!("missing required field: {field}") })
}
