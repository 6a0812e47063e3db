//! The specification as tests: each name is a sentence of artifacts.md that must stay true.

mod arrows;
mod binding;
mod bounds;
mod citations;
mod interop;
mod properties;
mod recorded;
mod tamper;
mod unit;
mod vectors;
