//! `release`: real repositories, into a directory and to GitHub.

pub(crate) mod directory;
mod github;
mod links_out;
mod over_http;
mod real_input;
mod same_bytes;
mod secrets;
