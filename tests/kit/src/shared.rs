//! Input that may lie beside the workspace: recorded vectors and reference repositories.
//!
//! Tests pass without it, and say loudly that they had nothing to judge.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Requirement, skip};

/// A file or directory of the shared input, or `None` after a [`skip`].
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !found.exists() {
        skip(Requirement::Shared, format_args!("shared/{path} does not lie beside the workspace"));
        return None;
    }
    Some(found)
}

/// A published repository as it is.
pub fn reference(name: &str) -> Option<PathBuf> {
    shared(&format!("reference/{name}"))
}

/// The archive vectors of one kind (`connector`, `action`, `manifest`, `keyring`, …); none, loudly, where there are none.
pub fn vectors(kind: &str) -> Vec<Value> {
    let Some(path) = shared("vectors/archives/index.jsonl") else { return Vec::new() };
    let text = std::fs::read_to_string(&path).expect("the vectors are readable");
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a vector is a line of JSON"));
    let rows: Vec<Value> = rows.filter(|row| row["kind"] == kind).collect();
    assert!(!rows.is_empty(), "the vectors have no rows of kind {kind}");
    rows
}
