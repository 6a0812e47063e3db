//! The ten functions of `aileron_host`.

pub mod http;
