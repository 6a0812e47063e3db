//! Embedding is done by a macro, which cargo does not run again for a file that is new.

fn main() {
    for tree in ["aegis", "common", "go", "rust", "unit", "wat", "zig"] {
        println!("cargo::rerun-if-changed={tree}");
    }
}
