//! Squad Aegis bundles.

mod trial;
