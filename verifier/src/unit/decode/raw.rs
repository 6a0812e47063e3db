//! What a document says, before validation: every member with the place it stands at.

use std::ops::Range;

/// A member that holds a text, and how it stands there.
#[derive(Clone, Debug)]
pub(in crate::unit) struct Slot {
    /// Empty unless it is given.
    pub(in crate::unit) text: String,
    /// The value; of an absent member the mapping's beginning.
    pub(in crate::unit) at: Range<usize>,
    pub(in crate::unit) state: State,
}

/// How a member stands in its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unit) enum State {
    Absent,
    Null,
    Text,
    /// Written as a boolean, number or timestamp. `CL103`.
    Typed,
}

impl Slot {
    pub(super) fn absent(at: &Range<usize>) -> Slot {
        Slot { text: String::new(), at: at.start..at.start, state: State::Absent }
    }

    /// Whether it stands there and says nothing. `CL102`.
    pub(in crate::unit) fn is_blank(&self) -> bool {
        self.state != State::Absent && self.text.is_empty()
    }
}

/// A list of texts: nulls are dropped, and their places kept. D9, `CL104`.
#[derive(Clone, Debug)]
pub(in crate::unit) struct Texts {
    pub(in crate::unit) at: Range<usize>,
    pub(in crate::unit) items: Vec<Slot>,
    pub(in crate::unit) nulls: Vec<Range<usize>>,
}

/// What a document says, before validation.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawUnit {
    pub(in crate::unit) name: Slot,
    pub(in crate::unit) key: Slot,
    pub(in crate::unit) presence: Option<Slot>,
    pub(in crate::unit) acquisition: RawAcquisition,
    pub(in crate::unit) sealing: Vec<RawSealing>,
    pub(in crate::unit) sealing_at: Range<usize>,
    pub(in crate::unit) sealing_nulls: Vec<Range<usize>>,
    /// A `state` with members.
    pub(in crate::unit) state: Option<Range<usize>>,
    pub(in crate::unit) store_at: Slot,
    pub(in crate::unit) credential_ref: Slot,
    pub(in crate::unit) kind: Slot,
}

/// `acquisition`; all absent where the block is.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawAcquisition {
    pub(in crate::unit) mode: Slot,
    pub(in crate::unit) container_name: Slot,
    pub(in crate::unit) login_cmd: Texts,
    pub(in crate::unit) token_cmd: Texts,
    pub(in crate::unit) browser_shim: Slot,
    pub(in crate::unit) config_dir: Slot,
    pub(in crate::unit) image: Slot,
}

/// One entry: of a unit's `sealing`, or of a binding document, which knows the members in the second half too.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawSealing {
    pub(in crate::unit) host: Slot,
    pub(in crate::unit) scheme: Slot,
    pub(in crate::unit) emit_mechanism: Slot,
    pub(in crate::unit) sentinel: Option<RawSentinel>,
    pub(in crate::unit) username: Slot,
    pub(in crate::unit) header: Slot,
    pub(in crate::unit) template: Slot,
    pub(in crate::unit) query_param: Slot,
    pub(in crate::unit) credential_ref: Slot,
    pub(in crate::unit) kind: Slot,
    pub(in crate::unit) identity_label: Slot,
    pub(in crate::unit) access_key_id: Slot,
    pub(in crate::unit) allowed_hosts: Texts,
    pub(in crate::unit) effect: Slot,
}

/// `sentinel`, also an empty block.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawSentinel {
    pub(in crate::unit) at: Range<usize>,
    pub(in crate::unit) value: Slot,
    pub(in crate::unit) env: Slot,
}

/// A capture document, before validation.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawCapture {
    pub(in crate::unit) version: Slot,
    pub(in crate::unit) name: Slot,
    pub(in crate::unit) acquisition: RawAcquisition,
    pub(in crate::unit) store_at: Slot,
    pub(in crate::unit) kind: Slot,
}

/// A binding document, before validation.
#[derive(Clone, Debug)]
pub(in crate::unit) struct RawBindings {
    pub(in crate::unit) version: Slot,
    pub(in crate::unit) bindings: Vec<RawSealing>,
}
