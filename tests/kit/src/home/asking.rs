//! A connector that asks a service, for what is about credentials: one request, and the answer is its output.

use std::path::Path;

use serde_json::json;

use super::{Repository, ok};

/// A connector whose every operation makes one request and gives the answer, a JSON object, as its output.
///
/// # Panics
/// When the repository cannot be changed.
pub fn asking(repository: &Repository<'_>, url: &str, credential: &str, capabilities: &str) {
    let envelope = json!({"url": url, "credential": credential, "headers": {"Accept": "application/json"}}).to_string();
    let module = format!(
        r#"(module
  (import "aileron_host" "http_request" (func $request (param i32 i32) (result i32)))
  (import "aileron_host" "http_response_size" (func $size (result i32)))
  (import "aileron_host" "http_response_read" (func $read (param i32 i32) (result i32)))
  (import "aileron_host" "log" (func $log (param i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 512) "{{\"output\":")
  (data (i32.const 600) "}}")
  (data (i32.const 700) "infoasked")
  (data (i32.const 1024) "{data}")
  (func (export "_start")
    (call $log (i32.const 700) (i32.const 4) (i32.const 704) (i32.const 5))
    (if (call $request (i32.const 1024) (i32.const {length})) (then (return)))
    (call $give (i32.const 512) (i32.const 10))
    (drop (call $read (i32.const 8192) (call $size)))
    (call $give (i32.const 8192) (call $size))
    (call $give (i32.const 600) (i32.const 1)))
  (func $give (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))
"#,
        data = envelope.replace('\\', "\\\\").replace('"', "\\\""),
        length = envelope.len(),
    );
    repository.write("connector/connector.wat", &module);
    let manifest = repository.read("connector/manifest.toml");
    let head = &manifest[..manifest.find("# No network").unwrap()];
    repository.write("connector/manifest.toml", &format!("{head}{capabilities}"));
    repository.commit("a connector that asks");
}

/// The capabilities of one that asks this host with an API key.
pub fn api_key(host: &str) -> String {
    format!(
        "[capabilities.network]\nhosts = [\"{host}\"]\n[capabilities.credential]\nkind = \"api_key\"\nscope = \"read\"\n\
         [capabilities.runtime]\nimports = [\"log\", \"http_request\", \"http_response_size\", \"http_response_read\"]\n"
    )
}

/// A release of `repository` that this machine trusts and has installed.
///
/// # Panics
/// When one of the programs refuses.
pub fn installed(repository: &Repository<'_>, registry: &Path) {
    let home = repository.home;
    ok(&mut repository.release("v0.1.0", registry));
    ok(&mut home.consumer(&["keyring", "trust", "--key-file", &repository.public_key(), "github://acme"]));
    let reference = "github://acme/aileron-connector-tea@0.1.0";
    ok(&mut home.consumer(&["action", "add-suite", reference, "--from", registry.to_str().unwrap(), "--yes"]));
}
