use super::super::{Checksums, manifest};
use super::*;

const ID: &str = "org.example.plugins.hello";

fn checked(kind: Kind, capabilities: &str) -> Checked {
    let text = format!(
        r#"{{"{}":"{ID}","name":"Hello","version":"1.0.0","targets":[{{"min_host_api_version":1,"target_os":"linux","target_arch":"amd64","sha256":"REPLACE_WITH_BINARY_SHA256","library_path":"bin/linux-amd64/hello","required_capabilities":[{capabilities}]}}]}}"#,
        kind.id_member()
    );
    let checked = manifest("manifest.json", text.as_bytes(), None, Checksums::MayBeOpen);
    assert!(
        checked.problems.iter().all(|problem| problem.rule.id() == "capability.connector"),
        "{:?}",
        checked.problems
    );
    checked
}

/// A plugin whose parts can be replaced.
const GOOD: &str = r#"package main

import (
	"context"
	"fmt"
	"os"

	"go.codycody31.dev/squad-aegis/pkg/pluginrpc"
)

// ID is "not.this.one".
const ID = "org.example.plugins." + name
const name = "hello"

var subscribed = []string{"RCON_CHAT_MESSAGE", playerEvent}

const (
	playerEvent string = "PLAYER_CONNECTED"
)

type ext struct{ apis *pluginrpc.HostAPIs }

func (e *ext) GetDefinition() pluginrpc.PluginDefinition {
	return pluginrpc.PluginDefinition{
		PluginID:           ID,
		RequiredConnectors: []string{"org.example.connectors.geo"},
		Events:             subscribed,
		ConfigSchema: pluginrpc.ConfigSchema{Fields: []pluginrpc.ConfigField{
			{Name: "mode", Type: "string", Options: []interface{}{"a", "b"}},
		}},
	}
}

func (e *ext) HandleEvent(event *pluginrpc.PluginEvent) error {
	fmt.Println("after the handshake")
	e.apis.LogAPI.Info("hello", nil)
	answer, err := e.apis.ConnectorAPI.Call(context.Background(), "org.example.connectors.geo", nil)
	_ = answer
	return err
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println("1.0.0")
		return
	}
	fmt.Fprintln(os.Stderr, "starting")
	defer fmt.Println("bye")
	pluginrpc.Serve(&ext{})
	fmt.Println("over")
}
"#;
const DECLARED: &str = r#""api.log","api.connector","events.rcon","events.system""#;

fn found(kind: Kind, capabilities: &str, files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(*path, *text)).collect();
    let manifest = checked(kind, capabilities);
    let shown = |problem: &Problem| {
        let source = sources.iter().find(|source| source.path == problem.file).unwrap_or(&manifest.source);
        format!(
            "{} {}:{} {:?}",
            problem.rule,
            problem.file,
            source.position(problem.at.start).0,
            problem.rule.severity()
        )
    };
    check(&sources, &manifest).iter().map(shown).collect()
}

#[test] // aegis-bundle.md §14.3, the rules that are about source
fn each_rule_about_the_source_is_broken_at_its_line() {
    let of = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replacen(from, to, 1)
    };
    for (what, source, capabilities, expected) in [
        ("good", GOOD.to_owned(), DECLARED, &[][..]),
        (
            "id",
            of("const name = \"hello\"", "const name = \"other\""),
            DECLARED,
            &["definition.id hello/main.go:25 Error"],
        ),
        (
            "id in place",
            of("PluginID:           ID", "PluginID: \"Org.example.plugins.hello\""),
            DECLARED,
            &["definition.id hello/main.go:25 Error"],
        ),
        ("id that is computed", of("PluginID:           ID", "PluginID: os.Getenv(\"ID\")"), DECLARED, &[]),
        (
            "undeclared handle",
            GOOD.to_owned(),
            r#""api.connector","events.rcon","events.system""#,
            &["capability.undeclared hello/main.go:36 Warning"],
        ),
        (
            "unused handle",
            GOOD.to_owned(),
            r#""api.log","api.connector","api.rcon","events.rcon","events.system""#,
            &["capability.unused manifest.json:1 Warning"],
        ),
        (
            "unused family",
            GOOD.to_owned(),
            r#""api.log","api.connector","events.rcon","events.system","events.log""#,
            &["capability.unused manifest.json:1 Warning"],
        ),
        (
            "family not declared",
            GOOD.to_owned(),
            r#""api.log","api.connector","events.rcon""#,
            &["definition.events hello/main.go:15 Warning"],
        ),
        (
            "wildcard",
            of("playerEvent}", "playerEvent, \"*\", \"\"}"),
            DECLARED,
            &["definition.events hello/main.go:15 Warning", "definition.events hello/main.go:15 Warning"],
        ),
        (
            "event that is handled only",
            of(
                "event *pluginrpc.PluginEvent) error {",
                "event *pluginrpc.PluginEvent) error {\n\tif event.Type == \"LOG_PLAYER_DIED\" {}",
            ),
            DECLARED,
            &["capability.undeclared hello/main.go:35 Warning"],
        ),
        (
            "list that is computed",
            of("Events:             subscribed", "Events: all()"),
            r#""api.log","api.connector","events.log","events.rcon","events.system""#,
            &[],
        ),
        (
            "connector not listed",
            of("[]string{\"org.example.connectors.geo\"}", "nil"),
            DECLARED,
            &["definition.connectors hello/main.go:37 Warning"],
        ),
        (
            "another connector",
            of("Background(), \"org.example.connectors.geo\"", "Background(), \"org.example.connectors.map\""),
            DECLARED,
            &["definition.connectors hello/main.go:37 Warning"],
        ),
        ("Enum", of("Options:", "Enum:"), DECLARED, &["source.options hello/main.go:29 Error"]),
        (
            "type of a field",
            of("Type: \"string\"", "Type: \"text\""),
            DECLARED,
            &["definition.schema hello/main.go:29 Warning"],
        ),
        (
            "internal",
            of("\"context\"", "\"context\"\n\tevents \"go.codycody31.dev/squad-aegis/internal/event_manager\""),
            DECLARED,
            &["source.import hello/main.go:5 Error"],
        ),
        (
            "other package",
            of("\"context\"", "\"context\"\n\t\"go.codycody31.dev/squad-aegis/pkg/connectorrpc\""),
            DECLARED,
            &["source.import hello/main.go:5 Warning"],
        ),
        (
            "prints",
            of("\tdefer fmt.Println", "\tfmt.Println(\"hi\")\n\tdefer fmt.Println"),
            DECLARED,
            &["source.stdout hello/main.go:48 Error"],
        ),
        (
            "prints below",
            of("\tdefer fmt.Println(\"bye\")", "\tbanner()"),
            DECLARED,
            &["source.stdout hello/b.go:7 Error"],
        ),
        (
            "writes",
            of("os.Stderr, \"starting\"", "os.Stdout, \"starting\""),
            DECLARED,
            &["source.stdout hello/main.go:47 Error"],
        ),
        (
            "prints in a function that is handed on",
            of("\tdefer fmt.Println(\"bye\")", "\tonExit(func() { fmt.Println(1) })"),
            DECLARED,
            &[],
        ),
        (
            "prints in a function that runs",
            of("\tdefer fmt.Println(\"bye\")", "\tfunc() { fmt.Println(1) }()"),
            DECLARED,
            &["source.stdout hello/main.go:48 Error"],
        ),
    ] {
        let other = "package main\n\nimport out \"fmt\"\n\nfunc banner() { middle() }\nfunc middle() {\n\tout.Printf(\"hi\")\n}\n";
        let test = "package main\n\nimport \"go.codycody31.dev/squad-aegis/internal/x\"\n\nvar id = pluginrpc.PluginDefinition{PluginID: \"x\"}\n";
        let files = [("hello/b.go", other), ("hello/main.go", &source), ("hello/main_test.go", test)];
        assert_eq!(found(Kind::Plugin, capabilities, &files), expected, "{what}");
    }
}

#[test] // aegis-bundle.md §1
fn a_schema_of_eleven_levels_is_told_and_one_of_ten_is_not() {
    for (levels, is_told) in [(10, false), (11, true), (14, true)] {
        let nested = "{Name: \"x\", Type: \"object\", Nested: []pluginrpc.ConfigField{".repeat(levels - 1);
        let end = "}}".repeat(levels - 1);
        let source = format!(
            "package main\nvar s = pluginrpc.ConfigSchema{{Fields: []pluginrpc.ConfigField{{{nested}{{Name: \"y\", Type: \"int\"}}{end}}}}}\n"
        );
        let found = found(Kind::Plugin, "", &[("main.go", &source)]);
        assert_eq!(found.len(), usize::from(is_told), "{levels}: {found:?}");
        assert!(found.iter().all(|problem| problem.starts_with("definition.schema main.go:2 Error")), "{found:?}");
    }
}

#[test]
fn a_connector_is_judged_by_its_id_alone() {
    let source = "package main\nimport \"go.codycody31.dev/squad-aegis/pkg/connectorrpc\"\nfunc (c *conn) GetDefinition() connectorrpc.ConnectorDefinition {\n\treturn connectorrpc.ConnectorDefinition{ConnectorID: \"other\"}\n}\n";
    assert_eq!(found(Kind::Connector, "", &[("main.go", source)]), ["definition.id main.go:4 Error"]);
    let good = source.replace("\"other\"", &format!("\"{ID}\""));
    assert!(found(Kind::Connector, "", &[("main.go", &good)]).is_empty());
}

#[test]
fn a_constant_that_two_files_spell_differently_says_nothing() {
    let main = "package main\nvar d = pluginrpc.PluginDefinition{PluginID: ids.ID}\n";
    let ids = "package ids\nconst ID = \"x\"\n";
    assert_eq!(found(Kind::Plugin, "", &[("ids/a.go", ids), ("main.go", main)]), ["definition.id main.go:2 Error"]);
    let other = "package ids\nconst ID = \"y\"\n";
    assert!(found(Kind::Plugin, "", &[("ids/a.go", ids), ("ids/b.go", other), ("main.go", main)]).is_empty());
}

proptest::proptest! {
    #[test]
    fn broken_source_is_no_trouble(cut in 0..GOOD.len(), from in 0..GOOD.len()) {
        let piece = |at: usize| &GOOD[..(at..).find(|at| GOOD.is_char_boundary(*at)).unwrap_or(GOOD.len())];
        let text = format!("{}{}", piece(cut), &GOOD[piece(from).len()..]);
        let _ = found(Kind::Plugin, DECLARED, &[("main.go", &text)]);
    }
}
