//! `aegis`: Squad Aegis plugins and connectors.

mod build;
mod check;
mod init;
mod pack;
mod repository;
mod trial;
mod upload;
