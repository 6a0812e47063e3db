//! `aegis`: Squad Aegis bundles.

mod build;
mod check;
mod pack;
mod repository;
mod trial;
