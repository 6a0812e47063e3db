//! What a run writes down of its requests, before they leave and after they were answered.

use std::time::SystemTime;

use super::limits::RequestKind;
use crate::sys::disk::DiskError;

/// Who writes down what is asked. What cannot be written down is not done.
pub trait Log {
    /// A request of this kind is about to leave.
    ///
    /// # Errors
    /// The disk's refusal.
    fn leaves(&self, kind: RequestKind, now: SystemTime) -> Result<(), DiskError>;

    /// It was answered, or was not.
    ///
    /// # Errors
    /// The disk's refusal.
    fn answered(&self, exchange: RequestOutcome, now: SystemTime) -> Result<(), DiskError>;

    /// Nothing leaves before then, for long enough to be told.
    ///
    /// # Errors
    /// The disk's refusal.
    fn waits(&self, until: SystemTime, why: &str, now: SystemTime) -> Result<(), DiskError>;
}

/// Writes nothing down: for requests that no later run has to know of.
pub struct Unlogged;

impl Log for Unlogged {
    fn leaves(&self, _: RequestKind, _: SystemTime) -> Result<(), DiskError> {
        Ok(())
    }

    fn answered(&self, _: RequestOutcome, _: SystemTime) -> Result<(), DiskError> {
        Ok(())
    }

    fn waits(&self, _: SystemTime, _: &str, _: SystemTime) -> Result<(), DiskError> {
        Ok(())
    }
}

/// A request and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOutcome {
    /// What it costs.
    pub kind: RequestKind,
    /// The status, or why there was no answer.
    pub status: Result<u16, String>,
    /// `x-github-request-id`: what GitHub's support asks for.
    pub request_id: Option<String>,
}
