//! What is true of every verb.

mod bad_input;
mod json;
mod memory;
mod network;
mod nothing_runs;
mod screen;
mod transcripts;
