//! Units: every rule on a document that breaks it, and Features into registries.

mod every_rule;
mod publish;
