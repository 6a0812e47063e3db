//! `plan`: what a release would do.

mod diff;
