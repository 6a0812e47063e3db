//! The conformance checklist of cli-unit.md §16, line by line: each line stands here as it stands there, with what shows that it
//! holds. A line that is added there fails here until it has its proof.

use aileron_cli::publisher::forge::registry::{Artifact, At, Contents, Descriptor, Manifest, RegistryError, tags};
use aileron_cli::publisher::unit::archive::{self, FeatureFile};
use aileron_cli::publisher::unit::artifact::artifact;
use aileron_cli::publisher::unit::folder::Feature;
use aileron_cli::publisher::unit::published;
use aileron_verifier::problem::{Severity, Source};
use aileron_verifier::unit::{
    Effective, Key, Layer, Origin, Scheme, Unit, check_unit, read_bindings, read_capture, render, rules,
    unit_from_json, unit_from_manifest, unit_from_yaml, units_from_label,
};
use serde_json::{Value, json};

use super::vectors;

/// The lines, and what each one rests on.
const LINES: &[(&str, fn())] = &[
    (
        "strict decode at all typed levels; unknown field, duplicate key, wrong type, empty input rejected (D1–D12)",
        strict_decode,
    ),
    ("null equals absence; null list items dropped; scalars coerced to text", nulls_and_scalars),
    ("names case-sensitive; no `version` field", names),
    ("validation order of section 7, first failure only; texts of sections 3–6; prefixes of 8", order),
    (
        "`store_at`/`credential_ref`/`kind`/entry `credential_ref` rejected when non-empty, accepted when empty",
        derived_fields,
    ),
    ("`direct-token` and non-empty `state` rejected with the exact texts; other modes accepted", reserved_planes),
    (
        "five schemes in order; two mechanisms, empty = inject; sentinel required/forbidden incl. empty block",
        schemes_and_sentinels,
    ),
    ("host patterns; key checked as credential reference only with sealing", hosts_and_references),
    ("placeholder scan over entry fields, in order, before everything else of the entry", placeholders),
    (
        "binding-only fields (`kind`, `identity_label`, `access_key_id`, `allowed_hosts`, `effect`) unknown in a unit",
        binding_only_fields,
    ),
    ("ten-member descriptor, `version: v1`; entries in order; no normalisation", projections),
    ("canonical rendering round-trips through the strict readers of both documents", rendering),
    ("projections refuse a missing or malformed key on their own", keys),
    (
        "layering built-in < unit < user; whole-record replacement; capture by name, binding by lower-cased host; ordering",
        layering,
    ),
    ("empty, blank, `<no value>`, `[]`, `null` and elements without the block → no units, success", empty_labels),
    ("not JSON, not an array, wrong element types → error; single object → error", broken_labels),
    ("present `cli` of any value is parsed; one failure fails the label; element index in the text", present_blocks),
    ("several units in array order; duplicates kept; no cross-element merging", several_units),
    ("no reliance on element `id` or `version`", elements_without_names),
    ("manifest checks, archive name and layout, plain and gzip archives readable", archives),
    ("OCI media types, tags, `dev.containers.metadata`, title annotation", artifacts),
    ("unit readable from manifest file, archive, annotation and image label, with one parser", one_parser),
    ("all CL identifiers with their severities; lint never alters reader results", lint),
    ("every case of `vectors/cli-unit.json` passes", vectors::every_recorded_case_is_answered_as_aileron_answers_it),
];

#[test] // cli-unit.md §16
fn every_line_of_the_checklist_holds() {
    let spec = include_str!("../../../verifier/spec/cli-unit.md");
    let list = spec.split("\n## 16. Conformance checklist\n").nth(1).expect("the section");
    let lines: Vec<String> = list.split("- [ ] ").skip(1).map(|line| line.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, LINES.iter().map(|(line, _)| (*line).to_owned()).collect::<Vec<_>>());
    for (line, holds) in LINES {
        let failed = std::panic::catch_unwind(holds).is_err();
        assert!(!failed, "does not hold: {line}");
    }
}

/// A unit without sealing; what follows is put behind it.
const UNIT: &str =
    "name: t\nkey: user/t\nacquisition: {mode: device-flow, container_name: c, login_cmd: [l], token_cmd: [r]}\n";

fn read(text: &str) -> Result<Unit, (String, &'static str)> {
    unit_from_yaml(&Source::new("unit.yaml", text)).map_err(|error| (error.to_string(), error.rule().id()))
}

fn unit(more: &str) -> Unit {
    read(&format!("{UNIT}{more}")).unwrap_or_else(|error| panic!("{more}: {error:?}"))
}

/// The identifier and the text of what refuses a document.
fn refused(text: &str) -> (&'static str, String) {
    let (said, id) = read(text).expect_err(text);
    (id, said)
}

/// The same of a unit with these entries, less what stands before the entry's own text.
fn entry_refused(entry: &str) -> (&'static str, String) {
    let (id, said) = refused(&format!("{UNIT}sealing: [{{{entry}}}]\n"));
    let text = said.strip_prefix("cli: unit \"t\": sealing[0] (").expect(&said);
    (id, text.split_once("): ").expect(&said).1.to_owned())
}

fn strict_decode() {
    let swap = "emit_mechanism: sentinel-swap, scheme: bearer, host: a.b";
    for (text, id) in [
        (format!("{UNIT}more: 1\n"), "CU002"),
        (UNIT.replace("mode:", "extra: x, mode:"), "CU002"),
        (format!("{UNIT}presence: {{tier: base}}\n"), "CU002"),
        (format!("{UNIT}sealing: [{{host: a.b, scheme: bearer, port: 1}}]\n"), "CU002"),
        (format!("{UNIT}sealing: [{{{swap}, sentinel: {{value: v, env: E, more: 1}}}}]\n"), "CU002"),
        (format!("{UNIT}name: again\n"), "CU004"),
        (UNIT.replace("mode: device-flow", "mode: a, mode: b"), "CU004"),
        ("- name: t\n".to_owned(), "CU003"),
        (UNIT.replace("[l]", "l"), "CU003"),
        (format!("{UNIT}presence: base\n"), "CU003"),
        (format!("{UNIT}sealing: {{}}\n"), "CU003"),
        (format!("{UNIT}state: []\n"), "CU003"),
        (String::new(), "CU001"),
        ("# nothing\n".to_owned(), "CU001"),
        ("name: [".to_owned(), "CU001"),
        ("~\n".to_owned(), "CU010"),
    ] {
        assert_eq!(refused(&text).0, id, "{text}");
    }
    assert_eq!(refused("").1, "cli: parse unit: EOF");
    assert!(refused(&format!("{UNIT}more: 1\n")).1.contains("field more not found"));
    assert!(refused(&format!("{UNIT}name: again\n")).1.contains("mapping key \"name\" already defined"));
    // One document is read, aliases and merge keys are resolved.
    assert_eq!(unit("---\nname: [\n").name, "t");
    let merged = "name: t\nkey: user/t\nacquisition:\n  <<: {container_name: c, login_cmd: [l], token_cmd: [r]}\n  container_name: d\n";
    assert_eq!(read(merged).expect("a unit").acquisition.container_name, "d");
}

fn nulls_and_scalars() {
    let plain = unit("");
    assert_eq!(unit("presence: null\nsealing: ~\nstate:\nstore_at: null\n"), plain);
    let dropped = UNIT.replace("[l]", "[null, l, ~]");
    assert_eq!(read(&dropped).expect("a unit"), plain);
    let coerced = UNIT.replace("name: t", "name: 0x10").replace("[l]", "[true, 1.50, 2020-01-01]");
    let coerced = read(&coerced).expect("a unit");
    assert_eq!(
        (coerced.name.as_str(), coerced.acquisition.login_cmd.join(" ")),
        ("0x10", "true 1.50 2020-01-01".to_owned())
    );
}

fn names() {
    for text in [UNIT.replace("name:", "Name:"), UNIT.replace("mode:", "MODE:"), format!("version: v1\n{UNIT}")] {
        assert_eq!(refused(&text).0, "CU002", "{text}");
    }
}

fn order() {
    // A document in which everything is wrong, repaired step by step: each time only the next failure is said.
    let mut text = "store_at: s\ncredential_ref: r\nkind: k\nstate: {x: 1}\nacquisition: {mode: direct-token}\n\
        sealing: [{host: '<h>'}, {host: a, credential_ref: x}]\n"
        .to_owned();
    let is_malformed = "key \"x\" is malformed: want \"<kind>/<service>\" with a non-empty first segment";
    let derived = |field: &str, value: &str| {
        format!("{field} must not be declared: it is derived from key \"user/t\" (got {field} \"{value}\")")
    };
    let placeholder =
        "field host contains an un-substituted template placeholder \"<h>\"; replace it with a real value";
    for (id, said, from, to) in [
        ("CU010", "missing required field: name".to_owned(), "store_at: s", "name: t\nstore_at: s"),
        ("CU011", "missing required field: key".to_owned(), "name: t", "name: t\nkey: x"),
        ("CU012", is_malformed.to_owned(), "key: x", "key: user/t"),
        ("CU013", derived("store_at", "s"), "store_at: s\n", ""),
        ("CU014", derived("credential_ref", "r"), "credential_ref: r\n", ""),
        ("CU015", derived("kind", "k"), "kind: k\n", ""),
        (
            "CU017",
            "acquisition.mode \"direct-token\" is not yet implemented in this umbrella".to_owned(),
            "mode: direct-token",
            "mode: device-flow",
        ),
        ("CU018", "state is reserved and not yet implemented in this umbrella".to_owned(), "state: {x: 1}\n", ""),
        (
            "CU020",
            "acquisition: missing required field: container_name".to_owned(),
            "device-flow",
            "device-flow, container_name: c",
        ),
        (
            "CU021",
            "acquisition: missing required field: login_cmd (non-empty list)".to_owned(),
            "container_name: c",
            "container_name: c, login_cmd: [a, '']",
        ),
        ("CU022", "acquisition: login_cmd[1] is an empty string".to_owned(), "[a, '']", "[a]"),
        (
            "CU023",
            "acquisition: missing required field: token_cmd (non-empty list)".to_owned(),
            "login_cmd: [a]",
            "login_cmd: [a], token_cmd: ['']",
        ),
        ("CU024", "acquisition: token_cmd[0] is an empty string".to_owned(), "token_cmd: ['']", "token_cmd: [b]"),
        // Every entry's own reference comes before everything else of any entry.
        ("CU016", format!("sealing[1] (\"a\"): {}", derived("credential_ref", "x")), ", credential_ref: x", ""),
        ("CU030", format!("sealing[0] (\"<h>\"): {placeholder}"), "'<h>'", "a.b, scheme: bearer"),
        (
            "CU032",
            "sealing[1] (\"a\"): missing required field: scheme".to_owned(),
            "{host: a}",
            "{host: a, scheme: bearer}",
        ),
    ] {
        let (found, text_of) = refused(&text);
        let name = if id == "CU010" { "" } else { "t" };
        assert_eq!((found, text_of), (id, format!("cli: unit \"{name}\": {said}")), "{text}");
        assert!(text.contains(from), "{from}: {text}");
        text = text.replacen(from, to, 1);
    }
    assert!(read(&text).is_ok(), "{text}");
}

fn derived_fields() {
    for (field, id) in [("store_at", "CU013"), ("credential_ref", "CU014"), ("kind", "CU015")] {
        for value in ["user/t", "other"] {
            assert_eq!(refused(&format!("{UNIT}{field}: {value}\n")).0, id);
        }
        for value in ["''", "null"] {
            assert_eq!(unit(&format!("{field}: {value}\n")), unit(""));
        }
    }
    let entry = |value: &str| format!("sealing: [{{host: a.b, scheme: bearer, credential_ref: {value}}}]\n");
    assert_eq!(refused(&format!("{UNIT}{}", entry("user/t"))).0, "CU016");
    assert_eq!(unit(&entry("''")).entries()[0].credential_ref, "user/t");
}

fn reserved_planes() {
    let direct = UNIT.replace("device-flow", "direct-token");
    let said = "cli: unit \"t\": acquisition.mode \"direct-token\" is not yet implemented in this umbrella";
    assert_eq!(refused(&direct), ("CU017", said.to_owned()));
    for state in ["{a: 1}", "{a: null}"] {
        let said = "cli: unit \"t\": state is reserved and not yet implemented in this umbrella";
        assert_eq!(refused(&format!("{UNIT}state: {state}\n")), ("CU018", said.to_owned()));
    }
    assert_eq!(unit("state: {}\n"), unit(""));
    for mode in ["Direct-Token", "other", "''", "device-flow"] {
        assert!(read(&UNIT.replace("device-flow", mode)).is_ok(), "{mode}");
    }
}

fn schemes_and_sentinels() {
    let schemes: Vec<&str> = Scheme::ALL.iter().map(|scheme| scheme.as_str()).collect();
    assert_eq!(schemes, ["bearer", "basic", "header-template", "query-param", "sigv4-resign"]);
    let list = schemes.join(" ");
    let sentinel = "sentinel: {value: v, env: E}";
    for (entry, id, said) in [
        ("scheme: Bearer", "CU033", format!("unknown scheme \"Bearer\" (want one of [{list}])")),
        ("scheme: basic", "CU039", "basic scheme requires a username".to_owned()),
        ("scheme: header-template", "CU040", "header-template scheme requires a header name".to_owned()),
        ("scheme: header-template, header: X", "CU041", "header-template scheme requires a template".to_owned()),
        ("scheme: query-param", "CU042", "query-param scheme requires a query_param name".to_owned()),
        ("scheme: sigv4-resign", "CU043", "sigv4-resign scheme requires an access_key_id".to_owned()),
        (
            "scheme: bearer, emit_mechanism: A",
            "CU034",
            "unknown emit_mechanism \"A\" (want one of \"inject\" or \"sentinel-swap\")".to_owned(),
        ),
        (
            "scheme: bearer, emit_mechanism: sentinel-swap",
            "CU035",
            "emit_mechanism \"sentinel-swap\" requires a sentinel block".to_owned(),
        ),
        (
            "scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {env: E}",
            "CU036",
            "emit_mechanism \"sentinel-swap\" requires a non-empty sentinel.value".to_owned(),
        ),
        (
            "scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: v}",
            "CU037",
            "emit_mechanism \"sentinel-swap\" requires a non-empty sentinel.env".to_owned(),
        ),
        (
            "scheme: bearer, sentinel: {}",
            "CU038",
            "emit_mechanism \"inject\" must not declare a sentinel block (sentinel applies only to \"sentinel-swap\")"
                .to_owned(),
        ),
    ] {
        assert_eq!(entry_refused(&format!("host: a.b, {entry}")), (id, said), "{entry}");
    }
    for entry in [
        "scheme: bearer".to_owned(),
        "scheme: bearer, emit_mechanism: ''".to_owned(),
        "scheme: bearer, emit_mechanism: inject".to_owned(),
        format!("scheme: bearer, emit_mechanism: sentinel-swap, {sentinel}"),
        "scheme: basic, username: u".to_owned(),
        "scheme: header-template, header: X, template: no-slot".to_owned(),
        "scheme: query-param, query_param: q".to_owned(),
    ] {
        assert_eq!(unit(&format!("sealing: [{{host: a.b, {entry}}}]\n")).sealing.len(), 1, "{entry}");
    }
}

fn hosts_and_references() {
    for (host, id, said) in [
        (
            "'*.com'",
            "CU044",
            "adapt descriptor entry: host binding: invalid wildcard host pattern \"*.com\": want *.<domain.tld>",
        ),
        (
            "'*.'",
            "CU044",
            "adapt descriptor entry: host binding: invalid wildcard host pattern \"*.\": want *.<domain.tld>",
        ),
        (
            "a.*.b",
            "CU045",
            "adapt descriptor entry: host binding: wildcard only allowed as a single leading label (\"a.*.b\")",
        ),
        (
            "'  '",
            "CU047",
            "adapt descriptor entry: host binding: a binding requires a host pattern or a complete credential identity (WithIdentity)",
        ),
        ("''", "CU031", "missing required field: host (or a complete credential identity: kind + identity_label)"),
    ] {
        assert_eq!(entry_refused(&format!("host: {host}, scheme: bearer")), (id, said.to_owned()), "{host}");
    }
    for host in ["a.b", "'*.a.b'", "A.B:443", "https://a/b"] {
        assert_eq!(unit(&format!("sealing: [{{host: {host}, scheme: bearer}}]\n")).sealing.len(), 1, "{host}");
    }
    for key in ["oauth2/github", "user/", "user/Bad", "a/b/c/d"] {
        let text = UNIT.replace("user/t", key);
        assert!(read(&text).is_ok(), "{key}: without sealing nobody looks at it");
        let said = format!(
            "host binding: invalid credential ref \"{key}\": must match <kind>/<service>/<identity> or user/<service>"
        );
        let (id, found) = refused(&format!("{text}sealing: [{{host: a.b, scheme: bearer}}]\n"));
        assert!(id == "CU046" && found.ends_with(&said), "{key}: {found}");
    }
}

fn placeholders() {
    // In this order, and before the scheme is looked at.
    let fields = ["host", "scheme", "emit_mechanism", "username", "header", "template", "query_param"];
    let sentinel = ["sentinel.value", "sentinel.env"];
    for from in 0..fields.len() {
        let entry: Vec<String> = fields
            .iter()
            .enumerate()
            .map(|(at, field)| format!("{field}: {}", if at < from { "x" } else { "'<p>'" }))
            .collect();
        let (id, said) = entry_refused(&entry.join(", "));
        assert!(id == "CU030" && said.starts_with(&format!("field {} contains", fields[from])), "{said}");
    }
    for (at, field) in sentinel.iter().enumerate() {
        let values = if at == 0 { "value: '<p>', env: '<p>'" } else { "value: v, env: '<p>'" };
        let (id, said) = entry_refused(&format!("host: a.b, scheme: nonsense, sentinel: {{{values}}}"));
        assert!(id == "CU030" && said.starts_with(&format!("field {field} contains")), "{said}");
    }
    let key = UNIT.replace("user/t", "'user/<t>'");
    let said = refused(&format!("{key}sealing: [{{host: a.b, scheme: bearer}}]\n")).1;
    assert!(said.contains("field credential_ref contains"), "{said}");
    assert_eq!(
        unit("sealing: [{host: a.b, scheme: header-template, header: X, template: '{token}'}]\n").sealing.len(),
        1
    );
}

fn binding_only_fields() {
    for field in ["kind", "identity_label", "access_key_id", "allowed_hosts", "effect", "region", "service"] {
        let text = format!("{UNIT}sealing: [{{host: a.b, scheme: bearer, {field}: x}}]\n");
        let (id, said) = refused(&text);
        assert!(id == "CU002" && said.contains(&format!("field {field} not found")), "{said}");
    }
}

fn projections() {
    let unit =
        unit("sealing: [{host: ' B.Example ', scheme: bearer}, {host: a.example, scheme: bearer, username: unused}]\n");
    let capture = serde_json::to_value(unit.capture()).expect("it is sound");
    let members: Vec<&String> = capture.as_object().expect("it is sound").keys().collect();
    assert_eq!(
        members,
        [
            "version",
            "name",
            "image",
            "container_name",
            "login_cmd",
            "token_cmd",
            "browser_shim",
            "config_dir",
            "store_at",
            "kind"
        ]
    );
    assert_eq!(
        (&capture["version"], &capture["store_at"], &capture["kind"]),
        (&"v1".into(), &"user/t".into(), &"user".into())
    );
    let entries = serde_json::to_value(unit.entries()).expect("it is sound");
    assert_eq!(
        entries,
        json!([
            {"host": " B.Example ", "credential_ref": "user/t", "scheme": "bearer"},
            {"host": "a.example", "credential_ref": "user/t", "scheme": "bearer", "username": "unused"},
        ])
    );
}

fn rendering() {
    for more in [
        "",
        "sealing: [{host: 'a.b', scheme: basic, username: 'x: y'}]\n",
        "sealing:\n  - {host: a.b, scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: 'true', env: E}}\n  - {host: '*.c.d', scheme: query-param, query_param: \"\u{f6}\"}\n",
    ] {
        let unit = unit(more);
        let (capture, bindings) = (render::capture(&unit.capture()), render::bindings(&unit.entries()));
        assert_eq!(read_capture(&Source::new("capture.yaml", capture)).expect("reads"), unit.capture());
        assert_eq!(read_bindings(&Source::new("bindings.yaml", bindings)).expect("reads"), unit.entries());
    }
    assert!(render::bindings(&unit("").entries()).contains("bindings: []\n"));
}

fn keys() {
    // A unit has a `Key`, and only this makes one: a projection of something without a usable key cannot be written.
    let text = |key: &str| Key::new(key).expect_err(key).to_string();
    assert_eq!(text(""), "missing required field: key");
    for key in ["x", "/x"] {
        assert_eq!(
            text(key),
            format!("key \"{key}\" is malformed: want \"<kind>/<service>\" with a non-empty first segment")
        );
    }
    // The other two things a projection would refuse: an entry's own reference, whose type has no room for one.
    assert_eq!(
        refused(&format!("{UNIT}sealing: [{{host: a.b, scheme: bearer, credential_ref: user/t}}]\n")).0,
        "CU016"
    );
}

fn layering() {
    let binding = |host: &str, user: &str| {
        let text = format!(
            "version: v1\nbindings:\n  - {{host: {host}, credential_ref: user/x, scheme: basic, username: {user}}}\n"
        );
        read_bindings(&Source::new("bindings.yaml", text)).expect("a document").remove(0)
    };
    let capture = |name: &str, image: &str| {
        let text = format!(
            "version: v1\nname: {name}\nimage: {image}\ncontainer_name: c\nlogin_cmd: [l]\ntoken_cmd: [r]\nbrowser_shim: \"\"\nconfig_dir: \"\"\nstore_at: user/x\nkind: user\n"
        );
        read_capture(&Source::new("capture.yaml", text)).expect("a document")
    };
    let one = unit("sealing: [{host: A.example, scheme: bearer}, {host: b.example, scheme: bearer}]\n");
    let mut effective = Effective::default();
    // In any order: the layer counts.
    effective.add_binding(binding("B.EXAMPLE", "user"), Origin::of(Layer::User, "user"));
    effective.add_capture(capture("t", "users/own"), Origin::of(Layer::User, "user"));
    effective.add_unit(&one, "label");
    effective.add_binding(binding("a.example", "builtin"), Origin::of(Layer::BuiltIn, "builtin"));
    effective.add_binding(binding("c.example", "builtin"), Origin::of(Layer::BuiltIn, "builtin"));
    effective.add_capture(capture("T", "other/case"), Origin::of(Layer::BuiltIn, "builtin"));
    let bindings: Vec<(&str, &str, Layer)> = effective
        .bindings()
        .map(|placed| (placed.record.host.as_str(), placed.record.username.as_str(), placed.origin.layer))
        .collect();
    // Whole records: the unit's bearer entry has none of the user name of what it replaces, and hosts come in order.
    assert_eq!(
        bindings,
        [("A.example", "", Layer::Unit), ("B.EXAMPLE", "user", Layer::User), ("c.example", "builtin", Layer::BuiltIn)]
    );
    let captures: Vec<(&str, &str)> =
        effective.captures().map(|placed| (placed.record.name.as_str(), placed.record.image.as_str())).collect();
    assert_eq!(captures, [("T", "other/case"), ("t", "users/own")]);
}

fn label(text: &str) -> Result<Vec<String>, String> {
    let found = units_from_label(&Source::new("label", text)).map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|found| found.unit.name).collect())
}

/// An element of a label with a unit of this name.
fn element(name: &str) -> Value {
    json!({"customizations": {"aileron": {"cli": {
        "name": name, "key": "user/t",
        "acquisition": {"mode": "device-flow", "container_name": "c", "login_cmd": ["l"], "token_cmd": ["r"]}
    }}}})
}

fn empty_labels() {
    for text in [
        "",
        " \n",
        "<no value>",
        " <no value>\n",
        "[]",
        "null",
        "[null]",
        "[{}]",
        r#"[{"id":"x","customizations":null}]"#,
        r#"[{"customizations":{"vscode":{}}},{"customizations":{"aileron":{"image":1}}}]"#,
    ] {
        assert_eq!(label(text), Ok(Vec::new()), "{text}");
    }
}

fn broken_labels() {
    for text in [
        "x",
        "{}",
        "[{},]",
        "[] x",
        "[1]",
        "[/**/]",
        r#"["x"]"#,
        r#"[{"customizations":[]}]"#,
        r#"[{"customizations":{"aileron":1}}]"#,
    ] {
        let said = label(text).expect_err(text);
        assert!(said.starts_with("unitloader: parse devcontainer.metadata array: "), "{text}: {said}");
    }
}

fn present_blocks() {
    for value in ["null", "{}", "[]", "\"x\"", "1"] {
        let text = format!(r#"[{{}},{},{{"customizations":{{"aileron":{{"cli":{value}}}}}}}]"#, element("fine"));
        let said = label(&text).expect_err(value);
        assert!(said.starts_with("unitloader: parse cli unit at element 2: "), "{value}: {said}");
    }
}

fn several_units() {
    let text = json!([element("b"), {"id": "x"}, element("a"), element("b")]).to_string();
    assert_eq!(label(&text), Ok(vec!["b".to_owned(), "a".to_owned(), "b".to_owned()]));
    // Halves of a unit in two elements are no unit.
    let (mut one, mut two) = (element("x"), element("x"));
    one["customizations"]["aileron"]["cli"].as_object_mut().expect("it is sound").remove("key");
    two["customizations"]["aileron"]["cli"].as_object_mut().expect("it is sound").remove("name");
    assert!(label(&json!([one, two]).to_string()).is_err());
}

fn elements_without_names() {
    for (id, version) in [(Value::Null, Value::Null), (json!(1), json!([])), (json!("./x"), json!("v9"))] {
        let mut element = element("t");
        element["id"] = id;
        element["version"] = version;
        assert_eq!(label(&json!([element]).to_string()), Ok(vec!["t".to_owned()]));
    }
}

fn manifest() -> String {
    let mut manifest = element("t");
    for (name, value) in [("id", "t"), ("version", "1.2.3"), ("name", "T"), ("description", "T")] {
        manifest[name] = json!(value);
    }
    manifest.to_string()
}

fn feature() -> Feature {
    let (manifest, version) = (manifest(), "1.2.3".parse().expect("it is sound"));
    let file =
        |path: &str, text: &str, is_executable| FeatureFile { path: path.into(), bytes: text.into(), is_executable };
    let files = vec![file("devcontainer-feature.json", &manifest, false), file("install.sh", "#!/bin/sh\n", true)];
    Feature { id: "t".into(), tags: tags(&version).expect("it is sound"), version, files, manifest }
}

fn archives() {
    let packed = archive::write(&feature().files).expect("packs");
    assert_eq!(archive::name("t"), "devcontainer-feature-t.tgz");
    assert_eq!(archive::read(&packed).expect("reads"), feature().files, "execute bits and paths come back");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, &packed).expect("it is sound");
    assert_eq!(archive::read(&gzip.finish().expect("it is sound")).expect("reads"), feature().files);
    assert_eq!(&packed[257..262], b"ustar", "plain, whatever its name says");
}

fn artifacts() {
    let artifact: Artifact = artifact(&feature(), None).expect("packs");
    let read = Manifest::read(&artifact.manifest).expect("a manifest");
    assert_eq!(read.media_type.as_deref(), Some("application/vnd.oci.image.manifest.v1+json"));
    assert_eq!((read.config.media_type.as_str(), read.config.size), ("application/vnd.devcontainers", 2));
    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(read.config.digest.to_string(), empty);
    assert_eq!(read.layers[0].media_type, "application/vnd.devcontainers.layer.v1+tar");
    let title = read.layers[0].annotations.as_ref().and_then(|texts| texts["org.opencontainers.image.title"].as_str());
    assert_eq!(title, Some("devcontainer-feature-t.tgz"));
    assert_eq!(read.annotation("dev.containers.metadata"), Some(manifest().as_str()));
    let tags: Vec<String> = feature().tags.iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["1.2.3", "1.2", "1", "latest"]);
}

/// A repository with one artifact.
struct Repository(Artifact);

impl Contents for Repository {
    fn manifest(&self, _: &At) -> Result<Vec<u8>, RegistryError> {
        Ok(self.0.manifest.clone())
    }

    fn blob(&self, wanted: &Descriptor, _: u64) -> Result<Vec<u8>, RegistryError> {
        let found = self.0.blobs.iter().find(|blob| blob.digest == wanted.digest);
        found.map(|blob| blob.bytes.to_vec()).ok_or_else(|| RegistryError::Absent { asked: wanted.digest.to_string() })
    }
}

fn one_parser() {
    let source = |text: &str| Source::new("x", text);
    let expected = unit_from_manifest(&source(&manifest())).expect("reads").expect("a unit");
    let cli = element("t")["customizations"]["aileron"]["cli"].to_string();
    assert_eq!(read(&cli).expect("JSON is YAML"), expected);
    let tape = aileron_verifier::text::json::tape::Tape::read(
        cli.as_bytes(),
        aileron_verifier::text::json::tape::Syntax::STRICT,
    );
    assert_eq!(unit_from_json(&source(&cli), tape.expect("JSON").root()).expect("a unit"), expected);
    let files = archive::read(&archive::write(&feature().files).expect("packs")).expect("reads");
    let packed = String::from_utf8(files[0].bytes.clone()).expect("it is sound");
    assert_eq!(unit_from_manifest(&source(&packed)).expect("reads"), Some(expected.clone()));
    let repository = Repository(artifact(&feature(), None).expect("packs"));
    let published = published::read(&repository, &At::Tag("latest".parse().expect("it is sound"))).expect("reads");
    let annotated = String::from_utf8(published.manifest).expect("it is sound");
    assert_eq!(unit_from_manifest(&source(&annotated)).expect("reads"), Some(expected.clone()));
    let units = units_from_label(&source(&json!([element("t")]).to_string())).expect("reads");
    assert_eq!(units[0].unit, expected);
}

fn lint() {
    // The severities of cli-unit.md §11, as its table has them; CL154 is ours.
    let spec = include_str!("../../../verifier/spec/cli-unit.md");
    let rows = spec.lines().filter_map(|line| line.strip_prefix("| CL")?.split_once(" | ")).map(|(id, rest)| {
        let severity = match &rest[..1] {
            "E" => Severity::Error,
            "W" => Severity::Warning,
            _ => Severity::Note,
        };
        (format!("CL{id}"), severity)
    });
    let expected: Vec<(String, Severity)> = rows.chain([("CL154".to_owned(), Severity::Warning)]).collect();
    let ours = rules::TABLE.iter().filter(|rule| rule.id().starts_with("CL"));
    let mut ours: Vec<(String, Severity)> = ours.map(|rule| (rule.id().to_owned(), rule.severity())).collect();
    ours.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(ours, expected);
    // The lint changes nothing of what the reader says.
    for text in [
        UNIT.to_owned(),
        format!("{UNIT}kind: ''\n"),
        UNIT.replace("device-flow", "x"),
        format!("{UNIT}more: 1\n"),
        String::new(),
    ] {
        let checked = check_unit(&Source::new("unit.yaml", text.as_str()));
        match read(&text) {
            Ok(unit) => assert_eq!((checked.units, checked.error.is_none()), (vec![unit], true), "{text}"),
            Err((said, _)) => assert_eq!(checked.error.map(|error| error.to_string()), Some(said), "{text}"),
        }
    }
}
