//! The last resort of a verdict.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use super::shorten;

/// Runs a verdict that must not take others with it. No bytes are known that make a step panic; if some do, they cost their
/// own verdict only, which `refused` makes of the panic's text.
pub(crate) fn contained<T, E>(judge: impl FnOnce() -> Result<T, E>, refused: impl FnOnce(String) -> E) -> Result<T, E> {
    let text = |cause: Box<dyn Any + Send>| match cause.downcast::<String>() {
        Ok(text) => shorten(&text, 200).into_owned(),
        Err(cause) => cause.downcast::<&'static str>().map_or(String::new(), |text| (*text).to_owned()),
    };
    panic::catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|cause| Err(refused(text(cause))))
}
