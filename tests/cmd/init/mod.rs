//! `init` and `demo`: new repositories.

mod deaf;
