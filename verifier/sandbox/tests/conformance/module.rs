//! What may be loaded: sandbox.md §2, §6.4.

use aileron_sandbox::engine::{Engine, LocalBuild, Origin};
use aileron_sandbox::failure::BOUNDARY;
use aileron_verifier::artifact::archive::{Files, Packer};
use aileron_verifier::artifact::module::{HOST_FUNCTIONS, Module, WASI_FUNCTIONS};
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::guest::{ENGINE, Guest, call, compile, manifest, output};

/// A module with these fields and, unless they say otherwise, what every connector has.
fn module(fields: &str) -> Vec<u8> {
    let mut text = format!("(module {fields}");
    if !fields.contains("\"memory\"") {
        text.push_str("(memory (export \"memory\") 1)");
    }
    if !fields.contains("\"_start\"") {
        text.push_str("(func (export \"_start\"))");
    }
    wat::parse_str(text + ")").unwrap()
}

/// Loads it, and says why not.
fn refusal(wasm: &[u8], more: &str) -> Option<String> {
    let failure = compile(wasm, more).err()?;
    assert_eq!((failure.class, failure.boundary, failure.retriable), (Class::ConnectorLoadFailed, BOUNDARY, false));
    Some(failure.message)
}

#[test] // P14, §2.1, §2.2 and the escape matrix
fn what_no_host_offers_and_what_every_host_needs_is_said_by_name() {
    for (fields, words) in [
        ("(import \"aileron_host\" \"nope\" (func))", "`aileron_host` has no function `nope`"),
        ("(import \"aileron_log\" \"log\" (func))", "imports `log` from `aileron_log`, which no host offers"),
        ("(import \"env\" \"memory\" (memory 1))", "imports `memory` from `env`"),
        ("(import \"wasi_snapshot_preview1\" \"sock_open\" (func))", "has no function `sock_open`"),
        ("(import \"wasi_unstable\" \"fd_write\" (func))", "from `wasi_unstable`"),
        ("(import \"aileron_host\" \"log\" (func (param i64)))", "`log` is func"),
        ("(import \"aileron_host\" \"log\" (global i32))", "`log` is global"),
        ("(func (export \"start\")) (func (export \"_start\") (param i32))", "`_start` is func (i32) -> ()"),
        ("(global (export \"_start\") i32 (i32.const 0))", "`_start` is global"),
        ("(global (export \"memory\") i32 (i32.const 0))", "`memory` is a global"),
    ] {
        let found = refusal(&module(fields), "").unwrap_or_default();
        assert!(found.contains(words), "{fields}: {found}");
    }
    let bare = |text: &str| wat::parse_str(text).unwrap();
    let found = refusal(&bare("(module (memory (export \"memory\") 1))"), "").unwrap();
    assert_eq!(found, "the module exports no function `_start`");
    let found = refusal(&bare("(module (func (export \"_start\")))"), "").unwrap();
    assert_eq!(found, "the module exports no memory `memory`");
    // A WASI function of another type is found when it is linked.
    let found = refusal(&module("(import \"wasi_snapshot_preview1\" \"fd_close\" (func (param i64)))"), "").unwrap();
    assert!(found.starts_with("link: ") && found.contains("fd_close"), "{found}");
}

#[test] // §2.2: Go imports fd_write twice; §2.4: the whole of preview 1 links
fn everything_a_host_offers_links_as_often_as_it_is_imported() {
    let import = |name: &str, signature: &str| {
        let (params, result) = signature.split_once(" -> ").unwrap();
        let params = params.trim_matches(['(', ')']).replace(',', "");
        let result = if result == "()" { String::new() } else { format!("(result {result})") };
        format!("(import \"aileron_host\" \"{name}\" (func (param {params}) {result}))")
    };
    let all: String = HOST_FUNCTIONS.iter().map(|(name, signature)| import(name, signature)).collect();
    assert_eq!(refusal(&module(&all.repeat(2)), ""), None);
    let twice =
        "(import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))".repeat(2);
    assert_eq!(refusal(&module(&twice), ""), None);
    // Each of the 46 is there: a wrong type is another complaint than an unknown name.
    for name in WASI_FUNCTIONS {
        let found = refusal(&module(&format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func (param f32)))")), "");
        assert!(found.unwrap().contains("incompatible import type"), "{name}");
    }
}

#[test] // §6.4
fn a_declared_list_of_imports_is_kept() {
    let wasm = module(
        "(import \"aileron_host\" \"http_response_size\" (func (result i32)))
         (import \"aileron_host\" \"http_response_status\" (func (result i32)))",
    );
    let declared = |names: &str| format!("[capabilities.runtime]\nimports = [{names}]");
    assert_eq!(refusal(&wasm, ""), None);
    let more = declared("\"http_response_size\", \"http_response_status\", \"log\", \"unheard_of\"");
    assert_eq!(refusal(&wasm, &more), None);
    let found = refusal(&wasm, &declared("\"http_response_size\"")).unwrap();
    assert_eq!(found, "the module imports `http_response_status`, which [capabilities.runtime] does not list");
    assert!(refusal(&wasm, &declared("")).unwrap().contains("http_response_size"));
    assert_eq!(refusal(&module(""), &declared("")), None);
}

#[test] // P9, §2.3
fn only_one_binary_core_module_of_webassembly_2_is_a_build() {
    for bytes in
        [&b""[..], b"not wasm at all", b"(module)", b"\0asm\x0d\0\x01\0", b"\0asm\x02\0\0\0", b"\0asm\x01\0\0\0x"]
    {
        assert!(LocalBuild::new(bytes.to_vec(), manifest("")).is_err(), "{bytes:?}");
    }
    for beyond in [
        "(memory (export \"memory\") i64 1)",
        "(memory (export \"memory\") 1 2 shared)",
        "(memory (export \"memory\") 1) (memory 1)",
        "(func $f return_call $f)",
        "(tag $t) (func (throw $t))",
        "(type (struct))",
        "(table 1 externref)", // 2.0 has it, but there is nothing a guest could put there
        "(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        "(type $f (func)) (func (param (ref $f)))",
        "(func (drop (i32.atomic.load (i32.const 0))))",
    ] {
        let wasm = module(beyond);
        let refused = match LocalBuild::new(wasm.clone(), manifest("")) {
            Err(_) => true,
            Ok(_) => refusal(&wasm, "").is_some_and(|words| words.starts_with("compile WASM: ")),
        };
        assert!(refused, "{beyond}");
        // The check of a build and the engine are made from one list.
        let noticed = Module::of_build(&wasm).map_or(true, |module| module.refusal.is_some());
        assert!(noticed, "{beyond}");
    }
    for within in [
        "(func (result i32) (i32.extend8_s (i32.const 128)))",
        "(func (result i32) (i32.trunc_sat_f32_s (f32.const 1)))",
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 8)))",
        "(table 1 funcref) (func (drop (table.get (i32.const 0))))",
        "(func (result v128) (i8x16.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        "(global (export \"g\") (mut i32) (i32.const 0))",
    ] {
        assert_eq!(refusal(&module(within), ""), None, "{within}");
        assert_eq!(Module::of_build(&module(within)).unwrap().refusal, None, "{within}");
    }
    // Structure alone does not make it valid: what does not type-check is refused here.
    let untyped = wat::parse_str(
        "(module (memory (export \"memory\") 1) (func (export \"_start\") (i32.add (i64.const 1) (i32.const 2)) drop))",
    )
    .unwrap();
    assert!(refusal(&untyped, "").unwrap().starts_with("compile WASM: "), "{untyped:?}");
}

#[test] // the first door: what a keyring vouches for
fn a_verified_connector_is_compiled_and_an_action_has_nothing_to_compile() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let ring = Keyring::of_keys([PublicKey::from_bytes(signer.verifying_key().to_bytes())]);
    let sign = |parts: &[&[u8]]| signer.sign(&parts.concat()).to_bytes().to_vec();
    let verified = |files: &Files| {
        let archive = Packer::new().pack(files);
        Unverified::new(archive).verify(&Wanted::default(), &ring).unwrap()
    };
    let wasm = Guest::new().say("{\"output\":{\"n\":1}}").wasm();
    let text = b"[connector]\nname = \"github://acme/x\"\nversion = \"0.1.0\"\n".to_vec();
    let signature = sign(&[&wasm, &text]);
    let connector = verified(&Files::Connector { wasm, manifest: text, signature });
    let compiled = ENGINE.compile(&connector).unwrap();
    assert_eq!(Some(compiled.content()), connector.content());
    assert_eq!(output(&call(&compiled, "x", "{}"))["n"], 1);

    let document = br#"+++
name = "a"
version = "0.1.0"
source = "github://acme/x/actions/a@0.1.0"
[[requires.connectors]]
name = "github://acme/x"
version = "0.1.0"
hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
capabilities = ["x"]
[match]
intent = "do it"
[[execute]]
id = "one"
connector = "github://acme/x"
op = "x"
+++
"#;
    let action = verified(&Files::Action { document: document.to_vec(), signature: sign(&[document]) });
    let failure = ENGINE.compile(&action).err().unwrap();
    assert_eq!((failure.class, failure.message.as_str()), (Class::ConnectorLoadFailed, "an action has no code to run"));
}

#[test] // P11: closing is dropping, in any order
fn an_engine_may_go_before_its_connectors() {
    let engine = Engine::new(None).unwrap();
    let build = LocalBuild::new(Guest::new().say("{\"output\":{}}").wasm(), manifest("")).unwrap();
    let connector = engine.compile_local(&build).unwrap();
    assert!(matches!(connector.origin(), Origin::Compiled));
    assert_eq!(connector.content(), build.content());
    drop(engine);
    assert!(call(&connector.clone(), "x", "{}").result.is_ok());
    drop(connector);
}
