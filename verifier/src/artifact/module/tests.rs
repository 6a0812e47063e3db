//! The module room against its spec and arbitrary bytes.

use crate::artifact::rules;
use proptest::prelude::*;

use super::*;

/// What Go makes, in small: a repeated import, no maximum, `_start` and `memory`.
const SOUND: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "aileron_host" "log" (func (param i32 i32 i32 i32)))
    (import "aileron_host" "http_request" (func (param i32 i32) (result i32)))
    (memory (export "memory") 50)
    (table 1 funcref)
    (global i32 (i32.const 7))
    (func (export "_start") (local i64) (drop (i32.const 1)))
    (elem (i32.const 0) func 4)
    (data (i32.const 0) "text"))"#;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn faults(text: &str, declared: Option<&[&str]>) -> Vec<(&'static Rule, String)> {
    let declared: Option<Vec<String>> = declared.map(|names| names.iter().map(ToString::to_string).collect());
    let faults = Module::parse(&wasm(text)).unwrap().faults(declared.as_deref());
    faults.into_iter().map(|fault| (fault.rule, fault.message)).collect()
}

#[test] // sandbox.md §2.1, §2.2
fn a_module_tells_what_it_imports_and_exports() {
    let bytes = wasm(SOUND);
    let module = Module::parse(&bytes).unwrap();
    let imports: Vec<_> =
        module.imports.iter().map(|import| format!("{} {} {}", import.module, import.name, import.item)).collect();
    assert_eq!(
        imports,
        [
            "wasi_snapshot_preview1 fd_write func (i32, i32, i32, i32) -> i32",
            "wasi_snapshot_preview1 fd_write func (i32, i32, i32, i32) -> i32",
            "aileron_host log func (i32, i32, i32, i32) -> ()",
            "aileron_host http_request func (i32, i32) -> i32",
        ]
    );
    assert_eq!(module.host_functions(), ["http_request", "log"]);
    assert_eq!(module.memory, Some(Memory { minimum: 50, maximum: None }));
    assert_eq!(module.export("memory").map(|memory| &memory.item), Some(&Item::Memory));
    assert!(module.starts());
    assert_eq!((module.size, module.faults(None)), (bytes.len(), vec![]));
}

#[test]
fn the_toolchain_is_named_when_the_file_names_it() {
    let mut bytes = wasm("(module)");
    let body = b"\x09producers\x01\x0cprocessed-by\x01\x05rustc\x061.95.0";
    bytes.extend([0, body.len() as u8]);
    bytes.extend(body);
    assert_eq!(Module::parse(&bytes).unwrap().toolchain, ["processed-by: rustc 1.95.0"]);
    // Damaged, it is no reason to refuse the module.
    let last = bytes.len() - 7;
    bytes[last] = 0x7f;
    assert!(Module::parse(&bytes).unwrap().toolchain.is_empty());
}

#[test] // sandbox.md §2.1, §2.2, §3.1
fn what_no_host_offers_is_a_fault() {
    for (text, wanted) in [
        (r#"(import "env" "abort" (func))"#, "the module imports `abort` from `env`, which no host offers"),
        (r#"(import "aileron_host" "exec" (func))"#, "`aileron_host` has no function `exec`"),
        (r#"(import "wasi_snapshot_preview1" "fork" (func))"#, "`wasi_snapshot_preview1` has no function `fork`"),
        (
            r#"(import "aileron_host" "log" (func (param i64)))"#,
            "the import `aileron_host` `log` is func (i64) -> (), not func (i32, i32, i32, i32) -> ()",
        ),
        (
            r#"(import "wasi_snapshot_preview1" "fd_read" (global i32))"#,
            "the import `wasi_snapshot_preview1` `fd_read` is global, not a function",
        ),
    ] {
        let text = format!(r#"(module {text} {text} (memory (export "memory") 1) (func (export "_start")))"#);
        assert_eq!(faults(&text, None), [(rules::MODULE_IMPORT, wanted.to_owned())]);
    }
    let exports = |text| {
        faults(text, None)
            .into_iter()
            .map(|(rule, message)| {
                assert_eq!(rule, rules::MODULE_EXPORT);
                message
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        exports("(module)"),
        ["the module exports no function `_start`", "the module exports no memory `memory`"]
    );
    assert_eq!(
        exports(r#"(module (func (export "memory")) (func (export "_start") (param i32)))"#),
        [
            "the export `_start` is func (i32) -> (), not func () -> ()",
            "the export `memory` is a func () -> (), not a memory"
        ]
    );
}

#[test] // sandbox.md §6.4
fn only_a_present_runtime_table_makes_imports_undeclared() {
    let undeclared = "the module imports `log`, which [capabilities.runtime] does not list".to_owned();
    assert_eq!(faults(SOUND, Some(&["http_request"])), [(rules::RUNTIME_IMPORTS, undeclared)]);
    assert_eq!(faults(SOUND, Some(&["http_request", "log", "anything"])), []);
    assert_eq!(faults(SOUND, None), []);
}

#[test]
fn the_lists_of_functions_are_sorted_and_whole() {
    assert!(HOST_FUNCTIONS.is_sorted_by_key(|(name, _)| *name));
    assert!(WASI_FUNCTIONS.is_sorted());
    for (name, signature) in HOST_FUNCTIONS {
        let (parameters, result) = signature.split_once(" -> ").unwrap();
        let result = if result == "()" { String::new() } else { format!("(result {result})") };
        let parameters = parameters.replace(['(', ')', ','], "");
        let text = format!(
            r#"(module (import "aileron_host" "{name}" (func (param {parameters}) {result}))
               (memory (export "memory") 1) (func (export "_start")))"#
        );
        assert_eq!(faults(&text, None), [], "{name}");
    }
}

#[test] // artifacts.md §6: one module, to its last byte
fn what_is_not_one_module_is_refused() {
    let sound = wasm(SOUND);
    // A module may end between two sections, when nothing that was announced is missing; nowhere else.
    let payloads = wasmparser::Parser::new(0).parse_all(&sound);
    let sections = payloads.filter_map(|payload| payload.unwrap().as_section().map(|(_, range)| range.end));
    let ends: Vec<usize> = [8].into_iter().chain(sections).collect();
    for length in 0..sound.len() {
        assert!(Module::parse(&sound[..length]).is_err() || ends.contains(&length), "{length}");
    }
    for end in ends {
        assert!(Module::parse(&[&sound[..end], b"\xff"].concat()).is_err(), "{end}");
    }
    for tail in [&b"#"[..], b"[connector]\n", b"\n", b"\t", b"\r\n", b"\0\0\0\0", &sound] {
        assert!(Module::parse(&[&sound, tail].concat()).is_err(), "{}", tail.escape_ascii());
    }
    for (bytes, message) in [
        (&b""[..], "the module is empty"),
        (b"(module)", "the module is text (.wat): compile it to the binary format"),
        (b"\x7fELF\x02", "not a wasm module: it starts with 7f 45 4c 46 instead of 00 61 73 6d"),
        (b"\0asm\x02\0\0\0", "wasm version 2; only version 1 is read"),
        (b"\0asm\x0d\0\x01\0", "a wasm component, not a core module: build for wasip1"),
        (b"\0asm\x01", "the module does not parse at byte 5 of 5: cut off inside the version"),
    ] {
        let refused = Module::parse(bytes).expect_err(message);
        assert_eq!((refused.to_string().as_str(), refused.class()), (message, Class::MalformedTarball));
    }
    assert!(matches!(
        Module::parse(&wasm("(module (tag))")),
        Err(NotAModule::Structure { reason, .. }) if reason.contains("WebAssembly 2.0")
    ));
}

#[test]
fn a_function_ends_with_end() {
    let mut bytes = wasm("(module (func (nop)))");
    *bytes.last_mut().unwrap() = 0x01;
    assert!(matches!(Module::parse(&bytes), Err(NotAModule::Structure { .. })));
}

#[test]
fn a_hostile_count_reserves_nothing() {
    // A type section of six bytes that announces 2^32 - 1 types.
    let bytes = [&b"\0asm\x01\0\0\0\x01\x05"[..], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    assert!(matches!(Module::parse(&bytes), Err(NotAModule::Structure { .. })));
    // Nine hundred parameters are not spelt out.
    let many = format!("(module (func (export \"_start\") (param {})))", "i32 ".repeat(900));
    assert_eq!(Module::parse(&wasm(&many)).unwrap().exports[0].item.to_string(), "func (900 values) -> ()");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_and_mutated_bytes_never_break_the_parser(
        tail in proptest::collection::vec(any::<u8>(), 0..200),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let _ = Module::parse(&tail);
        let _ = Module::parse(&[&b"\0asm\x01\0\0\0"[..], &tail].concat());
        let mut bytes = wasm(SOUND);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(module) = Module::parse(&bytes) {
            let _ = module.faults(Some(&[]));
        }
    }
}

#[test] // sandbox.md §2.3
fn a_build_that_could_never_run_names_the_feature_it_uses() {
    for (fields, expected) in [
        ("(func $f return_call $f)", "tail calls"),
        ("(type $t (func)) (table 1 funcref) (func (return_call_indirect (type $t) (i32.const 0)))", "tail calls"),
        ("(memory 1) (memory 1)", "more than one memory"),
        ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", "extended constant expressions"),
        ("(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))", "relaxed SIMD"),
        ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads"),
        ("(table 1 externref)", "references to host objects (externref)"),
        ("(func (param externref))", "references to host objects (externref)"),
        ("(func (local externref))", "references to host objects (externref)"),
        ("(func (drop (ref.null extern)))", "references to host objects (externref)"),
        ("(func (result i64 i64) (i64.mul_wide_s (i64.const 1) (i64.const 2)))", "wide arithmetic"),
    ] {
        let bytes = wasm(&format!("(module {fields})"));
        // What breaks the structure is refused sooner.
        let Ok(module) = Module::of_build(&bytes) else { continue };
        let refusal = module.refusal.clone().unwrap_or_default();
        assert!(refusal.starts_with(&format!("the module uses {expected}, which the runtime")), "{fields}: {refusal}");
        assert_eq!(module.faults(None)[0], ModuleFault { rule: rules::MODULE_FEATURE, message: refusal });
        // What was published before is judged as it was.
        assert_eq!(Module::parse(&bytes).unwrap().refusal, None, "{fields}");
    }
    for fields in [
        "(func (result i32) (i32.const 1) (i64.const 1) i32.add)",
        "(func (call 7))",
        "(func (local.get 3))",
        "(func drop)",
        "(export \"a\" (func 3))",
        "(memory 1) (data (i64.const 0) \"x\")",
    ] {
        let refusal = Module::of_build(&wasm(&format!("(module {fields})"))).unwrap().refusal.unwrap_or_default();
        assert!(refusal.starts_with("the module is not valid: "), "{fields}: {refusal}");
    }
    for fields in [
        "",
        "(func (result i32) (i32.extend8_s (i32.const 128)))",
        "(func (result i32) (i32.trunc_sat_f32_s (f32.const 1)))",
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 8)))",
        "(table 1 funcref) (func (drop (table.get (i32.const 0))))",
        "(func $f) (elem declare func $f) (func (drop (ref.func $f)))",
        "(func (drop (ref.null func)))",
        "(func (result v128) (i8x16.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        "(global (export \"g\") (mut i32) (i32.const 0))",
    ] {
        assert_eq!(Module::of_build(&wasm(&format!("(module {fields})"))).unwrap().refusal, None, "{fields}");
    }
}
