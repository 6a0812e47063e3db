//! `aegis check`: a repository with its Go source, a staging directory.

use aileron_testkit::home::TestHome;
use serde_json::json;

use super::repository::{ID, PLAIN, elf, manifest, plain, staged};

#[test] // aegis-bundle.md §14.3: from the source
fn a_repository_is_checked_with_its_source_and_all_problems_have_file_and_line() {
    let home = TestHome::new();
    plain(&home, "repo");
    let text = home.read("repo/manifest.json").replace("[]", "[\"api.rcon\", \"events.log\"]");
    home.write("repo/manifest.json", text);
    home.write(
        "repo/plugin.go",
        r#"package main

import (
	"fmt"

	"go.codycody31.dev/squad-aegis/internal/event_manager"
	"go.codycody31.dev/squad-aegis/pkg/pluginrpc"
)

func definition() pluginrpc.PluginDefinition {
	return pluginrpc.PluginDefinition{
		PluginID: id + ".two",
		Events:   []string{"RCON_CHAT_MESSAGE", "*"},
		ConfigSchema: pluginrpc.ConfigSchema{Fields: []pluginrpc.ConfigField{
			{Name: "mode", Type: "string", Enum: []interface{}{"a"}},
		}},
	}
}
"#,
    );
    let main = PLAIN.replace("func main() {", "func main() {\n\tfmt.Println(\"hello\")\n\tdefer pluginrpc.Serve(nil)");
    home.write(
        "repo/main.go",
        main.replace(
            "import \"os\"",
            "import (\n\t\"fmt\"\n\t\"os\"\n\n\t\"go.codycody31.dev/squad-aegis/pkg/pluginrpc\"\n)",
        ),
    );
    // What go does not compile is not looked at: other modules, tests, testdata.
    for path in ["repo/sdk/x.go", "repo/testdata/x.go", "repo/vendor/x/x.go", "repo/x_test.go"] {
        home.write(path, "package x\nimport \"go.codycody31.dev/squad-aegis/internal/x\"\n");
    }
    home.write("repo/sdk/go.mod", "module go.codycody31.dev/squad-aegis\n");
    let ran = home.run("aileron-pub aegis check repo --json");
    assert_eq!(ran.code, 6, "{ran}");
    let found = ran.json();
    let shown = |problem: &serde_json::Value| {
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}:{}", text("severity"), text("rule"), text("file"), problem["line"])
    };
    let problems: Vec<String> = found["problems"].as_array().unwrap().iter().map(shown).collect();
    let expected = [
        "warning capability.unused repo/manifest.json:6",
        "warning capability.unused repo/manifest.json:7",
        "error source.stdout repo/main.go:13",
        "error source.import repo/plugin.go:6",
        "error definition.id repo/plugin.go:12",
        "warning definition.events repo/plugin.go:13",
        "warning definition.events repo/plugin.go:13",
        "error source.options repo/plugin.go:15",
    ];
    for expected in expected {
        let (rest, _) = expected.rsplit_once(':').unwrap();
        let is_there = problems
            .iter()
            .any(|problem| if expected.contains("unused") { problem.starts_with(rest) } else { problem == expected });
        assert!(is_there, "{expected} in {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    // The same for a person, drawn with the lines.
    let ran = home.run("aileron-pub aegis check repo");
    assert!(ran.stdout.contains("[repo/plugin.go:12:13]"), "{ran}");
}

#[test] // the issue: bad input
fn what_is_no_extension_is_told_in_its_place() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    let set = |file: &str, bytes: &[u8]| home.write(&format!("dist/{file}"), bytes);
    let of = |change: &dyn Fn()| {
        staged(&home, "1.0.0");
        change();
        let ran = home.run("aileron-pub aegis check dist --json");
        let found = ran.json();
        let shown = |problem: &serde_json::Value| {
            format!(
                "{} {}: {}",
                problem["severity"].as_str().unwrap(),
                problem["rule"].as_str().unwrap(),
                problem["message"].as_str().unwrap()
            )
        };
        found["problems"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(of(&|| {}), [""; 0]);
    let library = "bin/linux-amd64/extension";
    let two_kinds = || {
        let mut manifest = manifest("plugin", ID, &[]);
        manifest["targets"].as_array_mut().unwrap().truncate(1);
        manifest["connector_id"] = json!("org.example.connectors.x");
        set("manifest.json", manifest.to_string().as_bytes());
    };
    for (what, found, expected) in [
        (
            "two kinds in one",
            of(&two_kinds),
            "error schema.type: a manifest is of one kind: \"connector_id\" belongs into a connector's",
        ),
        (
            "cgo binary",
            of(&|| set(library, &elf(3, "AEGIS_NATIVE_PLUGIN"))),
            "warning library.elf: \"bin/linux-amd64/extension\": it is dynamically linked",
        ),
        (
            "shell script as library",
            of(&|| set(library, b"#!/bin/sh\n")),
            "error library.elf: \"bin/linux-amd64/extension\": it is a script",
        ),
        (
            "cookie of the other kind",
            of(&|| set(library, &elf(0, "AEGIS_NATIVE_CONNECTOR"))),
            "warning library.elf: \"bin/linux-amd64/extension\": it is a connector's executable",
        ),
        (
            "no cookie",
            of(&|| set(library, &elf(0, ""))),
            "warning library.elf: \"bin/linux-amd64/extension\": it does not have the text AEGIS_NATIVE_PLUGIN",
        ),
    ] {
        assert!(found.len() == 1 && found[0].starts_with(expected), "{what}: {found:#?}");
    }
    home.write("empty/x", "");
    let ran = home.run("aileron-pub aegis check empty");
    assert!(ran.code == 6 && ran.stderr.contains("there is no manifest.json in empty"), "{ran}");
}
