//! `aegis`: Squad Aegis plugins and connectors.

mod init;
mod trial;
mod upload;
