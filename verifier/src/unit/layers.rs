//! Layers: built-in defaults, then units, then what a user wrote. cli-unit.md §9.4.
//!
//! A later layer replaces a whole record, by the name of a capture descriptor or the override key of a binding entry;
//! members are never merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::document::Unit;
use super::host;
use super::projection::{BindingEntry, CaptureDescriptor};

/// Who says so: the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A default of this program.
    BuiltIn,
    /// A unit.
    Unit,
    /// A file of the user.
    User,
}

impl Layer {
    /// `built-in`, `unit` or `user`.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::BuiltIn => "built-in",
            Layer::Unit => "unit",
            Layer::User => "user",
        }
    }
}

/// Where a record comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its layer.
    pub layer: Layer,
    /// The file or image, as it is shown to a person.
    pub source: Arc<str>,
    /// [`Layer::Unit`]: the unit's name.
    pub unit: Option<Arc<str>>,
}

impl Origin {
    /// A record of the built-in or the user layer.
    pub fn of(layer: Layer, source: &str) -> Origin {
        Origin { layer, source: source.into(), unit: None }
    }
}

/// A record and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The record.
    pub record: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// What holds once all layers are merged.
///
/// Records may be added in any order of layers: one of a lower layer never replaces one of a higher, and within a layer the
/// last one wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    captures: BTreeMap<String, Placed<CaptureDescriptor>>,
    bindings: BTreeMap<String, Placed<BindingEntry>>,
}

impl Effective {
    /// Adds a unit's projections. They are not validated again.
    pub fn add_unit(&mut self, unit: &Unit, source: &str) {
        let origin = Origin { layer: Layer::Unit, source: source.into(), unit: Some(unit.name.as_str().into()) };
        self.add_capture(unit.capture(), origin.clone());
        for entry in unit.entries() {
            self.add_binding(entry, origin.clone());
        }
    }

    /// Adds one capture descriptor.
    pub fn add_capture(&mut self, record: CaptureDescriptor, origin: Origin) {
        put(&mut self.captures, record.name.clone(), Placed { record, origin });
    }

    /// Adds one binding entry.
    pub fn add_binding(&mut self, record: BindingEntry, origin: Origin) {
        put(&mut self.bindings, record.override_key(), Placed { record, origin });
    }

    /// The capture descriptors, by name.
    pub fn captures(&self) -> impl Iterator<Item = &Placed<CaptureDescriptor>> {
        self.captures.values()
    }

    /// The binding entries, by override key.
    pub fn bindings(&self) -> impl Iterator<Item = &Placed<BindingEntry>> {
        self.bindings.values()
    }

    /// The capture descriptor of a tool.
    pub fn capture(&self, name: &str) -> Option<&Placed<CaptureDescriptor>> {
        self.captures.get(name)
    }

    /// The entry that decides about a bare host name: exact before wildcard, the longest suffix first, then the higher
    /// layer. cli-unit.md §6.6.
    pub fn binding_for(&self, host: &str) -> Option<&Placed<BindingEntry>> {
        let found = |placed| Some((host::matches(&entry_of(placed).host, host)?, placed));
        let mut candidates: Vec<_> = self.bindings.values().filter_map(found).collect();
        candidates.sort_by_key(|(_, placed)| std::cmp::Reverse(placed.origin.layer));
        host::best(candidates)
    }
}

fn entry_of(placed: &Placed<BindingEntry>) -> &BindingEntry {
    &placed.record
}

fn put<T>(table: &mut BTreeMap<String, Placed<T>>, key: String, placed: Placed<T>) {
    match table.get(&key) {
        Some(before) if before.origin.layer > placed.origin.layer => {}
        _ => drop(table.insert(key, placed)),
    }
}
