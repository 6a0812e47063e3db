//! `aegis`: Squad Aegis bundles.

mod init;
mod upload;
