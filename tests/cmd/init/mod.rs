//! `init` and `demo`: new repositories.

mod adopt;
mod fresh;
mod questions;
mod tasks;
mod users_git;
