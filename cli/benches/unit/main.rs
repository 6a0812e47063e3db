//! What an image's label of 200 Features costs: `cargo bench --bench unit`.
//!
//! Read, validated and projected, beside what `serde_json` takes to parse the same text to a value; and `aileron unit show` of
//! it as a process. Everything is measured in one run, so the ratios hold whatever the machine.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aileron_verifier::problem::Source;
use aileron_verifier::unit::{Effective, units_from_label};
use serde_json::{Value, json};

/// Odd, so that the median is one of them.
const RUNS: usize = 201;
/// Features of one image: more than anybody installs.
const FEATURES: usize = 200;

fn main() {
    let label = label();
    println!("{FEATURES} Features, {} bytes\n", label.len());
    println!("what                                 median    beside   ratio  at most");
    let source = Source::new("label", label.as_str());
    let ours = median(RUNS, || {
        let units = units_from_label(&source).expect("a label");
        let mut effective = Effective::default();
        units.iter().for_each(|found| effective.add_unit(&found.unit, "label"));
        black_box(effective.bindings().count());
    });
    let beside = median(RUNS, || {
        black_box(serde_json::from_str::<Value>(&label).expect("JSON"));
    });
    row("read, validated, projected", ours, Some(beside), "6x, 5 ms");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("label");
    std::fs::write(&file, &label).expect("writes");
    let show = median(21, || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aileron"));
        command.args(["unit", "show", "--json"]).arg(&file).env("AILERON_HOME", folder.path().join("home"));
        let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("it runs");
        assert!(ran.success());
    });
    row("aileron unit show, a process", show, None, "15 ms");
}

/// A label as the devcontainer CLI writes it, of units that seal a host each.
fn label() -> String {
    let element = |number: usize| {
        json!({
            "id": format!("ghcr.io/acme/features/tool-{number}:1"),
            "customizations": {"aileron": {
                "credential": {"scheme": "bearer", "placeholders": [{"env": format!("TOOL_{number}_TOKEN"), "value": format!("t{number}_AILERONSENTINELAAAA")}]},
                "cli": {
                    "name": format!("tool-{number}"),
                    "key": format!("user/tool-{number}"),
                    "presence": {"builtin": "base"},
                    "acquisition": {
                        "mode": "device-flow",
                        "container_name": format!("aileron-auth-tool-{number}"),
                        "login_cmd": ["tool", "auth", "login", "--web"],
                        "token_cmd": ["tool", "auth", "token"],
                        "browser_shim": "echo"
                    },
                    "sealing": [{
                        "host": format!("api.tool-{number}.example.com"), "scheme": "bearer", "emit_mechanism": "sentinel-swap",
                        "sentinel": {"value": format!("t{number}_AILERONSENTINELAAAA"), "env": format!("TOOL_{number}_TOKEN")}
                    }]
                }
            }}
        })
    };
    Value::from((0..FEATURES).map(element).collect::<Vec<_>>()).to_string()
}

fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[runs / 2]
}

fn row(what: &str, ours: Duration, beside: Option<Duration>, most: &str) {
    let milliseconds = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    let (other, ratio) = match beside {
        Some(beside) => (milliseconds(beside), format!("{:.2}x", ours.as_secs_f64() / beside.as_secs_f64())),
        None => ("-".to_owned(), "-".to_owned()),
    };
    println!("{what:<32} {:>10} {other:>9} {ratio:>7}  {most}", milliseconds(ours));
}
