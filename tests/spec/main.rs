//! The specification as tests: each name is a sentence of the norms that must stay true.

mod aegis;
mod arrows;
mod binding;
mod bounds;
mod citations;
mod interop;
mod properties;
mod recorded;
mod sealing;
mod tamper;
mod unit;
mod vectors;
