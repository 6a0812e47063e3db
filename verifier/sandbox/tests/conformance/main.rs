//! The sandbox against sandbox.md §13 and the escape matrix: what a guest may do works, what it may not ends as the spec
//! says. Case numbers in the comments are the spec's.

mod cache;
mod guest;
mod host;
mod limits;
mod module;
mod protocol;
