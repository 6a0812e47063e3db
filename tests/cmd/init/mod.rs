//! `init` and `demo`: new repositories.

mod users_git;
