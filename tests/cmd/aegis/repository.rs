//! Repositories of extensions, for tests.

use std::path::{Path, PathBuf};

use aileron_testkit::home::{TestHome, ok};
use serde_json::{Value, json};

/// The id of the plain plugin.
pub(super) const ID: &str = "org.example.plugins.plain";

/// A program that knows a host's cookie and its own id, and needs nothing but Go.
pub(super) const PLAIN: &str = r#"package main

import "os"

const id = "org.example.plugins.plain"

func main() {
	if os.Getenv("AEGIS_NATIVE_PLUGIN") == "" {
		os.Stderr.WriteString(id + " is started by a host\n")
		os.Exit(1)
	}
}
"#;

/// A target as an author writes it.
pub(super) fn target(arch: &str, name: &str, capabilities: &[&str]) -> Value {
    json!({
        "min_host_api_version": 1,
        "required_capabilities": capabilities,
        "target_os": "linux",
        "target_arch": arch,
        "sha256": "REPLACE_WITH_BINARY_SHA256",
        "library_path": format!("bin/linux-{arch}/{name}"),
    })
}

/// A manifest for both architectures that hosts are published for.
pub(super) fn manifest(kind: &str, id: &str, capabilities: &[&str]) -> Value {
    let mut manifest = json!({
        "name": "Extension",
        "version": "0.1.0",
        "targets": [target("amd64", "extension", capabilities), target("arm64", "extension", capabilities)],
    });
    manifest[format!("{kind}_id")] = json!(id);
    manifest
}

/// A home with the plain plugin in `NAME`, committed.
pub(super) fn plain(home: &TestHome, name: &str) {
    home.write(&format!("{name}/go.mod"), "module example.org/plain\n\ngo 1.24\n");
    home.write(&format!("{name}/main.go"), PLAIN);
    let manifest = manifest("plugin", ID, &[]);
    home.write(&format!("{name}/manifest.json"), format!("{manifest:#}\n"));
    commit(home, name);
}

/// Makes a git repository of what is there.
pub(super) fn commit(home: &TestHome, name: &str) {
    for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "first"]] {
        ok(home.command("git").current_dir(home.path(name)).args(words));
    }
}

/// An extension of the kit on the SDK, which the repository brings along: the stand-in, or the one that
/// `AILERON_AEGIS_SDK` names.
pub(super) fn real(home: &TestHome, name: &str, program: &str, kind: &str, id: &str, capabilities: &[&str]) {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/kit/go");
    let given = std::env::var_os("AILERON_AEGIS_SDK").map(PathBuf::from);
    let copy = |from: &Path, to: &str| {
        std::fs::create_dir_all(home.path(to).parent().unwrap()).unwrap();
        ok(home.command("cp").arg("-R").args([from, &home.path(to)]));
    };
    copy(given.as_deref().unwrap_or(&kit.join("sdk")), &format!("{name}/sdk"));
    for file in ["go.mod", "go.sum"] {
        copy(&kit.join("extensions").join(file), &format!("{name}/{file}"));
    }
    copy(&kit.join("extensions").join(program).join("main.go"), &format!("{name}/main.go"));
    home.replace(&format!("{name}/go.mod"), "=> ../sdk", "=> ./sdk");
    if given.is_some() {
        ok(home.command("go").current_dir(home.path(name)).args(["mod", "tidy"]));
    }
    home.write(&format!("{name}/manifest.json"), format!("{:#}\n", manifest(kind, id, capabilities)));
    commit(home, name);
}

/// A key of these tests, which is public.
pub(super) const PAIR: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";

/// A staging directory `dist` of one target, with a stand-in for an executable.
pub(super) fn staged(home: &TestHome, version: &str) {
    let mut manifest = manifest("plugin", ID, &[]);
    manifest["version"] = json!(version);
    manifest["targets"].as_array_mut().unwrap().truncate(1);
    home.write("dist/manifest.json", format!("{manifest:#}\n"));
    home.write("dist/bin/linux-amd64/extension", elf(0, "AEGIS_NATIVE_PLUGIN"));
    home.write("key", PAIR);
}

/// An ELF executable for amd64 as far as anybody looks, with one program header and some text.
pub(super) fn elf(header: u8, cookie: &str) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(120, 0);
    (file[16], file[18], file[32], file[54], file[56]) = (2, 62, 64, 56, 1);
    file[64] = header;
    file.extend(format!("{ID}\0{cookie}").bytes());
    file
}
