//! CLI-capability units: the credential story of one command-line tool. cli-unit.md.
//!
//! A unit names a tool, one vault key, how the credential is acquired and the hosts it is sealed at. [`Unit`] is what
//! holds after reading and validation; what is derived from it are a [`CaptureDescriptor`] and [`BindingEntry`]s, and
//! [`Effective`] is what holds once the layers are merged. [`seal`] says what a proxy does with one request.
//!
//! No credential may stay in here: [`seal`] writes it into its caller's buffer and keeps nothing.

pub mod document;
pub mod host;
pub mod key;
pub mod layers;
pub mod projection;
pub mod seal;

pub use document::{Acquisition, Mechanism, Presence, Scheme, Sealing, Sentinel, Unit};
pub use key::{Key, KeyError};
pub use layers::{Effective, Layer, Origin, Placed};
pub use projection::{BindingEntry, CaptureDescriptor};
