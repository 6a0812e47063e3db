//! aegis-bundle.md §14.3, a row for each rule: what breaks it, and that nothing else is broken by it.

use std::collections::{BTreeMap, BTreeSet};

use aileron_verifier::aegis::lint::{self, Bundle, Checksums, source};
use aileron_verifier::aegis::rules::TABLE;
use aileron_verifier::aegis::zip::strict::Strict;
use aileron_verifier::aegis::zip::write::write;
use aileron_verifier::aegis::{DEFAULT_UPLOAD_LIMIT, MANIFEST, WRAPPER};
use aileron_verifier::problem::{Problem, Severity, Source};
use sha2::{Digest as _, Sha256};

const ID: &str = "org.example.plugins.toy";
const LIBRARY: &str = "bin/linux-amd64/toy";
/// Rules about a key, a label and a lifetime are the tool's: its own tests break them (`tests/cmd/aegis/pack.rs`).
const OF_THE_TOOL: [&str; 4] = ["sign.key", "sign.key_id", "sign.lifetime", "sign.same_version"];

type Files = BTreeMap<String, Vec<u8>>;

/// An ELF executable for amd64 as far as anybody looks.
fn elf() -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(120, 0);
    (file[16], file[18], file[32], file[54], file[56]) = (2, 62, 64, 56, 1);
    file.extend(format!("{ID}\0AEGIS_NATIVE_PLUGIN").bytes());
    file
}

fn manifest(library: &[u8]) -> String {
    let sha256: String = Sha256::digest(library).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"{{"plugin_id":"{ID}","name":"Toy","version":"1.0.0","official":false,"authors":[{{"name":"A"}}],"targets":[{{"min_host_api_version":1,"target_os":"linux","target_arch":"amd64","library_path":"{LIBRARY}","required_capabilities":["api.log"],"sha256":"{sha256}"}}]}}"#
    )
}

fn good() -> Files {
    BTreeMap::from([(MANIFEST.to_owned(), manifest(&elf()).into_bytes()), (LIBRARY.to_owned(), elf())])
}

fn shown(problems: &[Problem]) -> Vec<String> {
    let level = |problem: &Problem| if problem.rule.severity() == Severity::Error { "" } else { "~" };
    let mut shown: Vec<String> = problems.iter().map(|problem| format!("{}{}", level(problem), problem.rule)).collect();
    shown.dedup();
    shown
}

/// What is wrong with files that are to become a bundle.
fn of_files(files: &Files, limit: u64) -> Vec<String> {
    let checked =
        lint::manifest(MANIFEST, files.get(MANIFEST).map_or(&b"{}"[..], Vec::as_slice), None, Checksums::Filled);
    let bundle = Bundle { name: "x", files, zip_size: Some(write(files).expect("small").len() as u64), limit };
    let found = bundle.check(&checked);
    if files.contains_key(MANIFEST) { shown(&[checked.problems, found].concat()) } else { shown(&found) }
}

/// The same after a change of the manifest's text.
fn of_text(from: &str, to: &str) -> Vec<String> {
    let mut files = good();
    let text = String::from_utf8(files[MANIFEST].clone()).expect("UTF-8");
    assert!(text.contains(from), "{from}");
    files.insert(MANIFEST.to_owned(), text.replacen(from, to, 1).into_bytes());
    of_files(&files, DEFAULT_UPLOAD_LIMIT)
}

fn of_bytes(change: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
    let mut files = good();
    change(files.get_mut(MANIFEST).expect("a manifest"));
    of_files(&files, DEFAULT_UPLOAD_LIMIT)
}

fn with(name: &str, contents: &[u8]) -> Vec<String> {
    let mut files = good();
    files.insert(name.to_owned(), contents.to_vec());
    of_files(&files, DEFAULT_UPLOAD_LIMIT)
}

/// With another executable, and its checksum.
fn library(contents: &[u8]) -> Vec<String> {
    let mut files = good();
    files.insert(MANIFEST.to_owned(), manifest(contents).into_bytes());
    files.insert(LIBRARY.to_owned(), contents.to_vec());
    of_files(&files, DEFAULT_UPLOAD_LIMIT)
}

/// A zip file that was changed.
fn zip(change: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
    let mut zip = write(&good()).expect("small");
    change(&mut zip);
    let irregular = Strict::read(&zip, DEFAULT_UPLOAD_LIMIT).expect_err("irregular");
    shown(&irregular.iter().map(|why| lint::irregular("x.zip", why)).collect::<Vec<_>>())
}

/// Where the first header of the directory stands.
fn directory(zip: &[u8]) -> usize {
    let end = zip.len() - 22;
    u32::from_le_bytes(std::array::from_fn(|at| zip[end + 16 + at])) as usize
}

/// A source beside the manifest, with these capabilities.
fn go(capabilities: &str, text: &str) -> Vec<String> {
    let text_of_manifest = manifest(&elf()).replace("\"api.log\"", capabilities);
    let checked = lint::manifest(MANIFEST, text_of_manifest.as_bytes(), None, Checksums::Filled);
    assert_eq!(shown(&checked.problems), [""; 0]);
    let text =
        format!("package main\nimport \"fmt\"\nimport \"go.codycody31.dev/squad-aegis/pkg/pluginrpc\"\n{text}\n");
    shown(&source::check(&[Source::new("main.go", text)], &checked))
}

fn connector(members: &str) -> Vec<String> {
    let text =
        manifest(&elf()).replace("\"plugin_id\":", &format!("{members}\"connector_id\":")).replace("\"api.log\"", "");
    shown(&lint::manifest(MANIFEST, text.as_bytes(), None, Checksums::Filled).problems)
}

fn schema(field: &str) -> Vec<String> {
    go("", &format!("var s = pluginrpc.ConfigSchema{{Fields: []pluginrpc.ConfigField{{{field}}}}}"))
}

fn document() -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("json.syntax", of_bytes(|text| text.truncate(40))),
        ("json.bom", of_bytes(|text| drop(text.splice(0..0, *b"\xef\xbb\xbf")))),
        ("json.trailing", of_bytes(|text| text.extend(b"{}"))),
        ("json.utf8", of_bytes(|text| text[ID.len() + 26] = 0xff)),
        ("json.surrogate", of_text("\"A\"", "\"\\ud800\"")),
        ("json.nul", of_text("\"A\"", "\"A\\u0000\"")),
        ("json.duplicate", of_text("\"name\":\"Toy\"", "\"name\":\"Toy\",\"name\":\"Toy\"")),
        ("json.number", of_text("\"min_host_api_version\":1", "\"min_host_api_version\":1,\"x\":1.5")),
        ("json.depth", of_text("\"official\"", &format!("\"x\":{}{},\"official\"", "[".repeat(64), "]".repeat(64)))),
        ("json.member_case", of_text("\"official\"", "\"Official\"")),
        ("~member.unknown", of_text("\"official\"", "\"officially\"")),
        ("schema.type", of_text("\"official\":false", "\"official\":\"no\"")),
        ("text.blank", of_text("\"Toy\"", "\" \"")),
        ("text.padding", of_text("\"1.0.0\"", "\"1.0.0 \"")),
        ("id.charset", of_text(ID, "a/b.c.d")),
        ("id.reserved", of_text(ID, "fog_of_war")),
        ("~id.reverse_dns", of_text(ID, "toy")),
        ("version.charset", of_text("\"1.0.0\"", "\"v1.0.0\"")),
        ("~version.semver", of_text("\"1.0.0\"", "\"1.0\"")),
        ("connector.alias", connector("\"instance_key\":\"discord\",")),
        ("~connector.alias", connector("\"legacy_ids\":[\"org.example.old.toy\"],")),
        ("~official.ignored", of_text("\"official\":false", "\"official\":true")),
    ]
}

fn targets() -> Vec<(&'static str, Vec<String>)> {
    let twice = || {
        let text = manifest(&elf());
        let (start, end) = (text.find('[').expect("a list"), text.rfind(']').expect("a list"));
        let start = text[start..].find("\"targets\":[").map_or(start, |at| start + at + 11);
        of_text("\"targets\":[", &format!("\"targets\":[{},", &text[start..end]))
    };
    vec![
        ("targets.empty", of_text("\"targets\":[", "\"targets\":[],\"x_targets\":[")),
        ("targets.duplicate", twice()),
        ("target.os", of_text("\"linux\"", "\"windows\"")),
        ("target.arch", of_text("\"amd64\"", "\"x86_64\"")),
        ("~target.arch", of_text("\"amd64\"", "\"ppc64le\"")),
        ("target.api_version", of_text("version\":1", "version\":2")),
        ("capability.unknown", of_text("api.log", "api.logs")),
        ("capability.repeated", of_text("\"api.log\"", "\"api.log\",\"api.log\"")),
        ("capability.blank", of_text("\"api.log\"", "\"\"")),
        ("~capability.legacy", of_text("api.log", "entrypoint.get_aegis_plugin")),
        ("~capability.connector", {
            let text = manifest(&elf()).replace("plugin_id", "connector_id");
            shown(&lint::manifest(MANIFEST, text.as_bytes(), None, Checksums::Filled).problems)
        }),
        ("sha256.format", of_text("\"sha256\":\"", "\"sha256\":\"x")),
        ("~sha256.format", {
            let text = manifest(&elf());
            let hex = text[text.len() - 68..text.len() - 4].to_owned();
            of_text(&hex, &hex.to_uppercase())
        }),
        ("sha256.mismatch", with(LIBRARY, &[elf(), b"x".to_vec()].concat())),
        ("library.path", of_text(LIBRARY, "lib/toy")),
        ("library.missing", of_text(LIBRARY, "bin/linux-amd64/other")),
        ("library.secret_name", with("bin/server.key", b"x")),
        ("library.zip_suffix", of_text(LIBRARY, "bin/toy.zip")),
        ("~library.basename", {
            let mut files = good();
            let contents = files.remove(LIBRARY).expect("a library");
            files.insert("bin/t y".to_owned(), contents);
            let text = manifest(&elf()).replace(LIBRARY, "bin/t y");
            files.insert(MANIFEST.to_owned(), text.into_bytes());
            of_files(&files, DEFAULT_UPLOAD_LIMIT)
        }),
        ("library.elf", library(b"#!/bin/sh\n")),
        ("~library.elf", library(&elf()[..120 + ID.len()])),
        ("~definition.id", library(&[&elf()[..120], b"AEGIS_NATIVE_PLUGIN"].concat())),
    ]
}

fn sources() -> Vec<(&'static str, Vec<String>)> {
    let definition = |members: &str| format!("var d = pluginrpc.PluginDefinition{{{members}}}");
    let deep = "{Nested: []pluginrpc.ConfigField{".repeat(10) + "{}" + &"}}".repeat(10);
    vec![
        ("~capability.unused", go("\"api.rcon\"", "")),
        ("~capability.undeclared", go("", "func f() { apis.RconAPI.Broadcast(\"x\") }")),
        ("definition.id", go("", &definition("PluginID: \"other\""))),
        ("~definition.events", go("", &definition("Events: []string{\"*\"}"))),
        (
            "~definition.connectors",
            go(
                "\"api.connector\"",
                &format!(
                    "{}\nfunc f() {{ apis.ConnectorAPI.Call(c, \"x\", nil) }}",
                    definition("AllowMultipleInstances: true")
                ),
            ),
        ),
        ("definition.schema", schema(&deep)),
        ("~definition.schema", schema("{Type: \"text\"}")),
        ("source.stdout", go("", "func main() {\n\tfmt.Println()\n\tpluginrpc.Serve(nil)\n}")),
        ("source.options", schema("{Enum: nil}")),
        ("source.import", go("", "import \"go.codycody31.dev/squad-aegis/internal/core\"")),
        ("~source.import", go("", "import \"go.codycody31.dev/squad-aegis/pkg/connectorrpc\"")),
    ]
}

fn containers() -> Vec<(&'static str, Vec<String>)> {
    let mut many = good();
    (0..255).for_each(|number| drop(many.insert(format!("bin/{number:03}"), Vec::new())));
    vec![
        ("size.entry", of_files(&good(), 150).into_iter().filter(|rule| rule != "size.zip").collect()),
        ("size.total", {
            let mut files = good();
            files.insert(WRAPPER.to_owned(), vec![b'x'; 1_048_576]);
            files.insert("manifest.sig".to_owned(), b"x".to_vec());
            files.insert("manifest.pub".to_owned(), b"x".to_vec());
            let limit = 1_048_576;
            let padded = [elf(), vec![0; 1_048_300]].concat();
            files.insert(MANIFEST.to_owned(), manifest(&padded).into_bytes());
            files.insert(LIBRARY.to_owned(), padded);
            of_files(&files, limit)
        }),
        ("size.zip", {
            let noise: Vec<u8> = (0..4000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
            let mut files = good();
            (0..3).for_each(|number| drop(files.insert(format!("bin/{number}"), noise.clone())));
            of_files(&files, 17_000)
        }),
        ("zip.entries", of_files(&many, DEFAULT_UPLOAD_LIMIT)),
        ("zip.path", with("bin/..x", b"")),
        (
            "zip.link",
            zip(|zip| {
                let at = directory(zip) + 41;
                zip[at] = 0xa1;
            }),
        ),
        ("zip.extra", with("README.md", b"")),
        (
            "zip.method",
            zip(|zip| {
                let at = directory(zip) + 10;
                (zip[8], zip[at]) = (12, 12);
            }),
        ),
        ("zip.metadata", with(WRAPPER, b"{}")),
        ("zip.layout", zip(|zip| zip.push(0))),
    ]
}

#[test] // aegis-bundle.md §14.3
fn each_rule_is_broken_by_its_own_fault_alone() {
    assert_eq!(of_files(&good(), DEFAULT_UPLOAD_LIMIT), [""; 0]);
    let rows: Vec<(&str, Vec<String>)> =
        [document(), targets(), sources(), containers()].into_iter().flatten().collect();
    // A fault that cannot be alone, and what it brings along.
    let brings: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("json.number", &["~member.unknown", "json.number"][..]),
        ("json.depth", &["~member.unknown", "json.depth"]),
        ("id.charset", &["id.charset", "~definition.id"]),
        ("id.reserved", &["id.reserved", "~definition.id"]),
        ("targets.empty", &["targets.empty", "~member.unknown"]),
        ("~target.arch", &["~target.arch", "library.elf"]),
        ("library.zip_suffix", &["library.zip_suffix", "library.missing"]),
    ]);
    let expected = |rule: &&str| -> Vec<String> {
        brings.get(rule).copied().unwrap_or(std::slice::from_ref(rule)).iter().map(|rule| (*rule).to_owned()).collect()
    };
    let others: Vec<_> = rows.iter().filter(|(rule, found)| *found != expected(rule)).collect();
    assert!(others.is_empty(), "{others:#?}");
    let id = |rule: &&str| rule.trim_start_matches('~').to_owned();
    let covered: BTreeSet<String> =
        rows.iter().map(|(rule, _)| id(rule)).chain(OF_THE_TOOL.map(str::to_owned)).collect();
    let all: BTreeSet<String> = TABLE.iter().map(|rule| rule.id().to_owned()).collect();
    assert_eq!(covered, all, "a row for every rule");
}
