//! Progress as values. The wings emit; `ui/report` draws bars, plain lines or NDJSON; tests collect.

/// A step of work, in the words a person is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step begins; `total` pieces are ahead, 0 where that is not known.
    Begin {
        /// What is being done: "building the connector with Go".
        step: String,
        /// Number of pieces.
        total: usize,
    },
    /// One more piece of the current step is done.
    Advance,
    /// The step is over, with a word on what came of it.
    End {
        /// "2.1 MB, sha256:…".
        outcome: String,
    },
    /// Something worth a line of its own.
    Note(String),
}

/// Where events go. Shared between threads: signing and packing run side by side.
pub type Listener<'a> = &'a (dyn Fn(Event) + Sync);

/// `1 warning`, `2 warnings`.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
