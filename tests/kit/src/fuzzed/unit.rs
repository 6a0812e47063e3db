//! What must hold for any bytes that claim to be a CLI-capability unit, a Feature's manifest, or the label of an image.

use std::collections::BTreeSet;

use aileron_verifier::problem::Source;
use aileron_verifier::text::json::tape::{Syntax, Tape};
use aileron_verifier::unit::{
    Checked, Unit, check_feature, check_label, check_unit, read_bindings, read_capture, render, unit_from_json,
};

/// A unit that stands alone.
///
/// # Panics
/// Where a finding does not fit its text, or a unit that was taken does not come back out of what it renders to.
pub fn document(bytes: &[u8]) {
    with_text(bytes, |source| holds(source, &check_unit(source)));
}

/// A Feature's manifest.
///
/// # Panics
/// As [`document`].
pub fn manifest(bytes: &[u8]) {
    with_text(bytes, |source| holds(source, &check_feature(source, None)));
}

/// The label of an image.
///
/// # Panics
/// As [`document`].
pub fn label(bytes: &[u8]) {
    with_text(bytes, |source| holds(source, &check_label(source)));
}

fn with_text(bytes: &[u8], judge: impl FnOnce(&Source)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        judge(&Source::new("unit.yaml", text));
    }
}

fn holds(source: &Source, checked: &Checked) {
    for problem in &checked.problems {
        assert!(source.text.get(problem.at.clone()).is_some(), "{problem:?}");
    }
    if let Some(error) = &checked.error {
        assert!(!error.problems.is_empty() && !error.text.is_empty() && checked.units.is_empty());
        assert!(error.problems.iter().all(|problem| checked.problems.contains(problem)), "{error:?}");
    }
    checked.units.iter().for_each(comes_back);
}

/// What a unit renders to reads back as what it is projected to, and its JSON as the unit itself.
fn comes_back(unit: &Unit) {
    let capture = Source::new("capture.yaml", render::capture(&unit.capture()));
    assert_eq!(read_capture(&capture).expect("a capture document"), unit.capture());
    let entries = unit.entries();
    let keys: BTreeSet<String> = entries.iter().map(|entry| entry.override_key()).collect();
    let bindings = Source::new("bindings.yaml", render::bindings(&entries));
    // A unit that seals one host twice is taken, the document it renders to is not. cli-unit.md §9.3.
    match keys.len() == entries.len() {
        true => assert_eq!(read_bindings(&bindings).expect("a binding document"), entries),
        false => assert!(read_bindings(&bindings).expect_err("one host twice").text.contains("duplicate binding host")),
    }
    let json = serde_json::to_string(unit).expect("JSON");
    let tape = Tape::read(json.as_bytes(), Syntax::STRICT).expect("JSON");
    assert_eq!(&unit_from_json(&Source::new("unit.json", json.as_str()), tape.root()).expect("the unit"), unit);
}
