//! CLI-capability units: the credential story of one command-line tool. cli-unit.md.
//!
//! A unit names a tool, one vault key, how the credential is acquired and the hosts it is sealed at. [`Unit`] is what
//! holds after reading and validation; what is derived from it are a [`CaptureDescriptor`] and [`BindingEntry`]s, and
//! [`Effective`] is what holds once the layers are merged. [`seal`] says what a proxy does with one request.
//!
//! No credential may stay in here: [`seal`] writes it into its caller's buffer and keeps nothing.

mod decode;
pub mod document;
mod documents;
pub mod host;
pub mod key;
mod label;
pub mod layers;
mod lint;
mod manifest;
pub mod projection;
mod read;
pub mod render;
pub mod rules;
pub mod seal;
mod tree;
mod validate;

pub use document::{Acquisition, Mechanism, Presence, Scheme, Sealing, Sentinel, Unit};
pub use documents::{read_bindings, read_capture};
pub use key::{Key, KeyError};
pub use label::{LABEL, LabelUnit, units_from_label};
pub use layers::{Effective, Layer, Origin, Placed};
pub use lint::{Checked, Folder, check_feature, check_label, check_unit};
pub use manifest::{MANIFEST, unit_from_manifest};
pub use projection::{BindingEntry, CaptureDescriptor};
pub use read::{UnitError, unit_from_json, unit_from_yaml};
