//! Which CLI-capability units this user has accepted, and what holds once the layers are merged. cli-unit.md §9.4.
//!
//! | file | |
//! |---|---|
//! | [`accepted`] | `units.json`: what was said yes to, by the hash of its canonical rendering |
//! | [`reach`] | what a unit would do, line by line, and what is new about that |
//! | [`layers`] | built-in defaults, accepted units, what the user wrote |
//! | [`error`] | why there is no answer |
//!
//! An untrusted unit does nothing before a person accepted it: that is the bar until there are trust tiers. Not here: where
//! a unit comes from, how a question looks.

pub mod accepted;
pub mod error;
pub mod layers;
pub mod reach;

pub use self::accepted::{AcceptedUnit, UnitStanding, UnitsFile, rendering_hash};
pub use self::error::UnitsError;
pub use self::layers::{effective, effective_of};
pub use self::reach::{Reach, ReachLine};
