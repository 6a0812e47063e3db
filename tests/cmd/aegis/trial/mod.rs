//! `aegis try`: extensions built with Go and go-plugin, started for real.

mod bad;
mod good;
mod left;

use std::process::Command;

use aileron_testkit::extensions::{Extensions, manifest};
use aileron_testkit::home::{Ran, TestHome, run};
use serde_json::Value;

/// What `bad` says it is.
const BAD_PLUGIN: &str = "com.example.plugins.bad";

/// A staging directory `x` with a binary that goes wrong in this way.
fn staged(home: &TestHome, extensions: &Extensions, way: &str) {
    let kind = way.split('.').next().unwrap();
    let (id, capabilities) = match kind {
        "connector" => ("com.example.connectors.bad", &[][..]),
        _ => (BAD_PLUGIN, &["api.log", "api.connector", "events.rcon"][..]),
    };
    extensions.staged(home, "x", &manifest(kind, id, capabilities), &extensions.bad(way));
}

fn try_command(home: &TestHome, more: &[&str]) -> Command {
    home.publisher(&[&["aegis", "try", "x"], more].concat())
}

/// Tries what is staged in `x`.
fn tried(home: &TestHome, more: &[&str]) -> Ran {
    run(&mut try_command(home, more))
}

/// The outcome of a step, as `--json` has it.
fn outcome<'v>(document: &'v Value, step: &str) -> &'v str {
    let steps = document["steps"].as_array().unwrap();
    let found = steps.iter().find(|row| row["step"] == step);
    found.unwrap_or_else(|| panic!("no step {step}: {document:#}"))["outcome"].as_str().unwrap()
}

/// Processes whose command line names something below the place for temporaries, or that work there.
fn processes_of(home: &TestHome) -> Vec<String> {
    let below = home.tmp().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let works_in = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        if line.contains(&below) || works_in.starts_with(&below) {
            found.push(line);
        }
    }
    found
}

/// What lies in the place for temporaries: homes of extensions, with their sockets.
fn left_in(home: &TestHome) -> Vec<String> {
    let listed = std::fs::read_dir(home.tmp()).unwrap();
    listed.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
