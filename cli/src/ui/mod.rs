//! What people and scripts see: arguments in, reports out. The only place that knows commands, texts and exit codes.

pub mod args;
pub mod commands;
pub mod report;
