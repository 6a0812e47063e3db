use super::*;

/// A module of these fields in the text format.
fn module(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {fields})")).unwrap()
}

fn verdict(fields: &str) -> Result<(), OverBudget> {
    check(&module(fields))
}

#[test]
fn a_small_function_is_cheap_whatever_it_is_made_of() {
    for fields in [
        "",
        "(func)",
        "(func (param i32) (result i32) (local.get 0))",
        "(func (local i32 i64) (loop $l (br_if $l (i32.const 0))))",
        "(type $t (func (param i32 i32) (result i32 i32))) (func (block (type $t) (i32.const 1) (i32.const 2) unreachable) drop drop)",
        "(func $f (param i32) (call $f (i32.const 1)) (block $a (block $b (br_table $a $b (local.get 0)))))",
        "(table 1 funcref) (func (call_indirect (i32.const 0)))",
        "(import \"env\" \"f\" (func (param i32))) (func (call 0 (i32.const 1)))",
        "(func (if (result i32) (i32.const 1) (then (i32.const 1)) (else (i32.const 2))) drop)",
        "(memory 1) (data (i32.const 0) \"x\") (func (return))",
    ] {
        assert_eq!(verdict(fields), Ok(()), "{fields}");
    }
}

#[test]
fn what_is_no_module_is_left_to_the_compiler() {
    let whole = module("(func (loop (br 0)))");
    for bytes in [
        &b""[..],
        b"\0asm",
        b"(module)",
        b"\0asm\x0d\0\x01\0",
        &whole[..whole.len() - 3],
        &[whole.as_slice(), &[0xff]].concat(),
    ] {
        assert_eq!(check(bytes), Ok(()), "{bytes:?}");
    }
}

#[test] // what costs the compiler minutes and gigabytes in a few kilobytes of wasm
fn a_function_that_joins_too_many_values_is_refused() {
    let locals = |count: usize| format!("(local {})", "i32 ".repeat(count));
    let wide = |count: usize| "i32 ".repeat(count);
    let typed = |fields: &str| format!("(type $w (func (param {0}) (result {0}))) {fields}", wide(900));
    let rows = [
        ("loops over locals", format!("(func {} {})", locals(1000), "(loop (br_if 0 (i32.const 0)))".repeat(6_000))),
        ("fewer loops, more locals", format!("(func {} {})", locals(20_000), "(loop)".repeat(400))),
        ("blocks over locals", format!("(func {} {})", locals(5000), "(block)".repeat(2000))),
        ("ifs over locals", format!("(func {} {})", locals(5000), "(if (i32.const 0) (then))".repeat(2000))),
        ("loops inside each other", format!("(func {} {}{})", locals(2000), "(loop ".repeat(3000), ")".repeat(3000))),
        ("branches", format!("(func {} (block {}))", locals(2000), "(br_if 0 (i32.const 0))".repeat(3000))),
        ("one long table", format!("(func {} (loop (br_table {} (i32.const 0))))", locals(2000), "0 ".repeat(5000))),
        (
            "a table of wide labels",
            typed(&format!(
                "(func {} (block (type $w) (br_table {} (i32.const 0))) unreachable)",
                format_args!("(param {})", wide(900)),
                "0 ".repeat(6000)
            )),
        ),
        ("wide blocks", typed(&format!("(func (type $w) unreachable {})", "(block (type $w))".repeat(3000)))),
        ("wide calls", typed(&format!("(func $f (type $w) unreachable {})", "call $f ".repeat(3000)))),
        (
            "wide indirect calls",
            typed(&format!(
                "(table 1 funcref) (func (type $w) unreachable {})",
                "i32.const 0 call_indirect (type $w) ".repeat(3000)
            )),
        ),
    ];
    for (what, fields) in rows {
        let wasm = module(&fields);
        assert!(matches!(check(&wasm), Err(OverBudget::Function { index: 0, .. })), "{what}: {:?}", check(&wasm));
    }
    let long = of_bodies(1, &[&[0][..], &[1; BODY], &[0x0b]].concat());
    assert!(matches!(check(&long), Err(OverBudget::Body { index: 0, .. })));
}

#[test]
fn a_module_of_too_many_functions_is_refused() {
    // 40,000 locals of type i32, and the end.
    let locals = [1, 0xc0, 0xb8, 2, 0x7f, 0x0b];
    assert_eq!(check(&of_bodies(4000, &locals)), Ok(()));
    let total = check(&of_bodies(6000, &locals));
    assert!(matches!(total, Err(OverBudget::Module { .. })), "{total:?}");
    // A hundred thousand plain ones are not too many, a million are.
    assert_eq!(check(&of_bodies(100_000, &[0, 0x0b])), Ok(()));
    let total = check(&of_bodies(1_000_000, &[0, 0x0b]));
    assert!(matches!(total, Err(OverBudget::Module { .. })), "{total:?}");
}

/// A module of that many functions `() -> ()` with the same body: locals and instructions.
fn of_bodies(count: usize, body: &[u8]) -> Vec<u8> {
    let leb = |mut number: usize| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let section = |id: u8, content: Vec<u8>| [vec![id], leb(content.len()), content].concat();
    let entry = [leb(body.len()), body.to_vec()].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, vec![1, 0x60, 0, 0]),
        section(3, [leb(count), vec![0; count]].concat()),
        section(10, [leb(count), entry.repeat(count)].concat()),
    ]
    .concat()
}
