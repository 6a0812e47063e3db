//! `init` and `demo`: new repositories.

mod fresh;
mod questions;
mod tasks;
mod users_git;
