//! How much memory one invoke may hold. sandbox.md §8, decision C4.

use wasmtime::{ResourceLimiter, Result};

/// Table elements one invoke may hold, over all its tables. Go's largest connectors need some ten thousand, at start.
const ELEMENTS: usize = 1 << 20;

/// Refuses growth beyond the limit and remembers that it did: the guest only sees `memory.grow` answer -1, and what it
/// makes of that is mostly an unexplained exit.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: u64,
    elements: usize,
    growth_refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory: u64) -> Limiter {
        Limiter { memory, elements: 0, growth_refused: false }
    }

    /// Whether some growth of memory was refused.
    pub(crate) fn growth_refused(&self) -> bool {
        self.growth_refused
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let granted = desired as u64 <= self.memory;
        // Where the module's own maximum is no higher than our limit, it is the module that refuses.
        self.growth_refused |= !granted && maximum.is_none_or(|maximum| maximum as u64 > self.memory);
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current));
        let granted = elements <= ELEMENTS;
        if granted {
            self.elements = elements;
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}
