//! Embedding is done by a macro, which cargo does not run again for a file that is new.

fn main() {
    println!("cargo::rerun-if-changed=go");
    println!("cargo::rerun-if-changed=wat");
}
