//! `hub`: entries of the catalog, written and looked through.

mod catalog;
mod entry;
