use std::sync::atomic::AtomicBool;

use aileron_testkit::languages;

use super::super::tests::{Stub, build_in_two_places, place};
use super::*;
use crate::sys::environment::Environment;

static NEVER: AtomicBool = AtomicBool::new(false);

const PACKAGE: &str = "[package]\nname = \"tea-connector\"\nversion = \"0.0.0\"\nedition = \"2021\"\n";

const LOCK: &str = "version = 3\n\n[[package]]\nname = \"tea-connector\"\nversion = \"0.0.0\"\n";

const MAIN: &str = "fn main() {\n    let words: Vec<String> = std::env::args().collect();\n    println!(\"{} {}\", file!(), words[3]);\n}\n";

fn project(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let own = [("connector/Cargo.toml", PACKAGE), ("connector/Cargo.lock", LOCK), ("connector/src/main.rs", MAIN)];
    let is_replaced = |(file, _): &(&str, &str)| !more.iter().any(|(other, _)| other == file);
    own.into_iter().filter(is_replaced).chain(more.iter().copied()).collect()
}

fn build(files: &[(&str, &str)], environment: &Environment) -> Result<BuiltModule, BuildError> {
    let copy = tempfile::tempdir().unwrap();
    files.iter().for_each(|(file, text)| place(copy.path(), file, text.as_bytes()));
    let built = Rust.build(copy.path(), Spawner { environment, stop: &NEVER });
    if let Err(error) = &built {
        assert!(!error.to_string().contains(&copy.path().display().to_string()), "{error}");
    }
    built
}

/// The machine's environment when it can compile Rust for the target.
fn machine_with_rust() -> Option<Environment> {
    Some(languages::rust()?.into_iter().collect())
}

fn holds(wasm: &[u8], text: &str) -> bool {
    wasm.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test] // release-pipeline.md §3
fn another_place_and_another_copy_give_the_same_bytes() {
    let Some(environment) = machine_with_rust() else { return };
    let built = build_in_two_places(&Rust, &project(&[]), &environment);
    assert!(built.wasm.starts_with(b"\0asm\x01\0\0\0"));
    assert!(holds(&built.wasm, "src/main.rs"), "the name of its source is in it");
    let Made::Built { language, version, flags } = built.toolchain else { panic!("a build is recorded") };
    assert_eq!(language, "rust");
    assert!(version.starts_with("rustc 1."), "{version}");
    assert_eq!(flags, ["--release", "--locked", "--target=wasm32-wasip1", "--remap-path-prefix"]);
}

#[test]
fn the_flags_of_the_repository_count_and_are_recorded() {
    let Some(environment) = machine_with_rust() else { return };
    let source = "fn main() {\n    #[cfg(tea)]\n    println!(\"with tea\");\n    #[cfg(not(tea))]\n    println!(\"without\");\n}\n";
    for (file, text) in [
        ("connector/.cargo/config.toml", "[build]\nrustflags = \"--cfg tea\"\n"),
        ("connector/.cargo/config.toml", "[target.wasm32-wasip1]\nrustflags = [\"--cfg\", \"tea\"]\n"),
        (".cargo/config.toml", "[target.'cfg(target_family = \"wasm\")']\nrustflags = [\"--cfg\", \"tea\"]\n"),
    ] {
        let built = build(&project(&[("connector/src/main.rs", source), (file, text)]), &environment).unwrap();
        assert!(holds(&built.wasm, "with tea"), "{text}");
        let Made::Built { flags, .. } = built.toolchain else { panic!("a build is recorded") };
        assert!(flags.ends_with(&["--cfg".to_owned(), "tea".to_owned()]), "{flags:?}");
    }
}

#[test]
fn a_compile_error_names_the_repositorys_files() {
    let Some(environment) = machine_with_rust() else { return };
    for (file, text, expected) in [
        ("connector/src/main.rs", "fn main() {\n    undefined();\n}\n", "--> connector/src/main.rs:2:5"),
        ("connector/Cargo.toml", "[package]\nname = 1\n", "connector/Cargo.toml"),
        ("connector/Cargo.lock", "version = 3\n", "--locked"),
    ] {
        let error = build(&project(&[(file, text)]), &environment).unwrap_err();
        assert!(matches!(error, BuildError::Failed { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_package_without_one_program_and_without_a_lock_is_named() {
    let Some(environment) = machine_with_rust() else { return };
    let lib = [("connector/src/lib.rs", "")];
    let no_main: Vec<_> = project(&lib).into_iter().filter(|(file, _)| !file.ends_with("main.rs")).collect();
    let said = build(&no_main, &environment).unwrap_err().to_string();
    assert!(said.starts_with("connector/Cargo.toml makes no program: ") && said.contains("src/main.rs"), "{said}");

    let second = [("connector/src/bin/other.rs", "fn main() {}\n")];
    let said = build(&project(&second), &environment).unwrap_err().to_string();
    assert!(said.contains("other and tea-connector") || said.contains("tea-connector and other"), "{said}");
    assert!(said.contains("default-run"), "{said}");

    let no_lock: Vec<_> = project(&[]).into_iter().filter(|(file, _)| !file.ends_with("Cargo.lock")).collect();
    let said = build(&no_lock, &environment).unwrap_err().to_string();
    assert!(said.contains("cargo generate-lockfile"), "{said}");
}

#[test] // artifacts.md §12
fn crates_outside_of_the_repository_are_refused_before_anything_is_compiled() {
    let Some(environment) = machine_with_rust() else { return };
    let outside = tempfile::tempdir().unwrap();
    let crate_file = "[package]\nname = \"milk\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    place(outside.path(), "Cargo.toml", crate_file.as_bytes());
    place(outside.path(), "src/lib.rs", b"");
    let lock = "version = 3\n\n[[package]]\nname = \"milk\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"tea-connector\"\nversion = \"0.0.0\"\ndependencies = [\n \"milk\",\n]\n";
    for (path, refused) in [(outside.path().to_str().unwrap(), true), ("../shared/milk", false)] {
        let manifest = format!("{PACKAGE}\n[dependencies]\nmilk = {{ path = \"{path}\" }}\n");
        let files = [
            ("connector/Cargo.toml", manifest.as_str()),
            ("connector/Cargo.lock", lock),
            ("connector/src/main.rs", MAIN),
            ("shared/milk/Cargo.toml", crate_file),
            ("shared/milk/src/lib.rs", ""),
        ];
        match build(&files, &environment) {
            Err(BuildError::ForeignSource { module, path: found, .. }) => {
                assert!(refused, "{path}");
                assert_eq!((&*module, &*found), ("milk", path));
            }
            built => assert!(!refused && built.is_ok(), "{path}: {:?}", built.err().map(|error| error.to_string())),
        }
    }
}

#[test]
fn configuration_that_no_commit_holds_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let above = tempfile::tempdir().unwrap();
    let copy = above.path().join("below/copy");
    place(&copy, "connector/Cargo.toml", PACKAGE.as_bytes());
    let environment: Environment = [("CARGO_HOME".into(), home.path().into())].into_iter().collect();
    let refused = || settings::refuse_foreign(&copy, &environment).map_err(|error| error.to_string());
    assert_eq!(refused(), Ok(()));

    for (text, setting) in [
        ("[build]\nrustflags = [\"-C\", \"target-cpu=native\"]\n[net]\noffline = true\n", None),
        ("[profile.release]\nopt-level = 1\n", Some("profile")),
        ("[patch.crates-io]\nserde = { path = \"/mine\" }\n", Some("patch")),
        ("[env]\nTEA = \"milk\"\n", Some("env")),
    ] {
        place(home.path(), "config.toml", text.as_bytes());
        match setting {
            None => assert_eq!(refused(), Ok(()), "{text}"),
            Some(setting) => {
                let said = refused().unwrap_err();
                assert!(said.contains(&format!("`{setting}`")) && said.contains("CARGO_HOME"), "{said}");
            }
        }
    }
    place(home.path(), "config.toml", b"");

    // What lies above a copy in a shared temporary directory may be anyone's.
    place(above.path(), ".cargo/config.toml", b"[build]\nrustc-wrapper = \"/tmp/evil\"\n");
    let said = refused().unwrap_err();
    assert!(said.contains(&above.path().join(".cargo/config.toml").display().to_string()), "{said}");
    assert!(said.contains("TMPDIR"), "{said}");
}

#[cfg(unix)]
const RUSTC: &str =
    "[ $1 = --version ] && echo 'rustc 1.99.0 (x)'; [ $1 = --print ] && echo /usr/toolchains/stable-here; exit 0";

#[cfg(unix)]
#[test] // bytecodealliance/wasmtime#3931
fn a_missing_target_is_found_before_anything_is_compiled() {
    let stub = Stub::new("rustc", RUSTC).and("cargo", "exit 1");
    let said = stub.build(&Rust, &[]).unwrap_err().to_string();
    let command = "run `rustup target add wasm32-wasip1 --toolchain stable-here`";
    assert_eq!(said, format!("rustc 1.99.0 (x) cannot compile for wasm32-wasip1 yet: {command}"));
    assert_eq!(stub.command_lines("cargo"), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn without_cargo_or_rustc_the_error_says_how_to_go_on() {
    let with_std = [(BUILD_STD, "std")];
    for (stub, missing) in [(Stub::new("cargo", ""), "rustc"), (Stub::new("rustc", RUSTC), "cargo")] {
        let error = stub.build(&Rust, &with_std).unwrap_err();
        // A machine's own may lie in /usr/bin.
        let BuildError::NoToolchain { program, .. } = &error else { continue };
        assert_eq!(*program, missing);
        assert!(error.to_string().contains("https://rustup.rs"), "{error}");
    }
}

#[cfg(unix)]
#[test] // artifacts.md §12
fn the_compiler_sees_no_secret_and_what_a_machine_says_about_its_target() {
    let cargo = "case $1 in metadata) printf '{\"packages\":[{\"name\":\"tea\",\"version\":\"0.0.0\",\"id\":\"tea\",\"license\":null,\"license_file\":null,\"description\":null,\"source\":null,\"dependencies\":[],\"targets\":[{\"kind\":[\"bin\"],\"crate_types\":[\"bin\"],\"name\":\"tea\",\"src_path\":\"src/main.rs\",\"edition\":\"2021\",\"doc\":true,\"doctest\":false,\"test\":true}],\"features\":{},\"manifest_path\":\"%s/Cargo.toml\",\"metadata\":null,\"publish\":null,\"authors\":[],\"categories\":[],\"keywords\":[],\"readme\":null,\"repository\":null,\"homepage\":null,\"documentation\":null,\"edition\":\"2021\",\"links\":null,\"default_run\":null,\"rust_version\":null}],\"workspace_members\":[\"tea\"],\"resolve\":null,\"target_directory\":\"/x\",\"version\":1,\"workspace_root\":\"%s\",\"metadata\":null}' \"$PWD\" \"$PWD\" ;;
build) while [ $# -gt 0 ]; do [ $1 = --target-dir ] && mkdir -p \"$2/wasm32-wasip1/release\" && printf module > \"$2/wasm32-wasip1/release/tea.wasm\"; shift; done ;; esac; exit 0";
    let stub = Stub::new("rustc", "exit 1").and("rustc-of-debian", RUSTC).and("cargo", cargo);
    let built = stub
        .build(
            &Rust,
            &[
                ("RUSTC", "rustc-of-debian"),
                ("CARGO_HOME", "/home/test/cargo"),
                ("RUSTUP_HOME", "/home/test/rustup"),
                ("RUSTUP_TOOLCHAIN", "stable"),
                (BUILD_STD, "std,panic_abort"),
                (BOOTSTRAP, "1"),
                ("CARGO_TARGET_WASM32_WASIP1_LINKER", "/lld"),
                ("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", "-C link-self-contained=no -L native=/lib"),
                ("CARGO_ENCODED_RUSTFLAGS", "hush"),
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "hush"),
                ("RUSTC_WRAPPER", "hush"),
            ],
        )
        .unwrap();
    assert_eq!(built.wasm, b"module");
    let Made::Built { version, flags, .. } = built.toolchain else { panic!("a build is recorded") };
    assert_eq!(version, "rustc 1.99.0 (x)");
    let callers =
        ["-C", "link-self-contained=no", "-L", "native=/lib", "-Zbuild-std=std,panic_abort", "RUSTC_BOOTSTRAP=1"];
    assert!(flags.ends_with(&callers.map(str::to_owned)), "{flags:?}");
    stub.saw_no_secret(&[
        "CARGO_HOME=/home/test/cargo",
        "RUSTUP_HOME=/home/test/rustup",
        "RUSTUP_TOOLCHAIN=stable",
        "RUSTUP_AUTO_INSTALL=0",
        "RUSTC_BOOTSTRAP=1",
        "CARGO_UNSTABLE_BUILD_STD=std,panic_abort",
        "CARGO_TARGET_WASM32_WASIP1_LINKER=/lld",
        "RUSTC_WRAPPER=",
    ]);
    assert_eq!(stub.command_lines("rustc"), Vec::<String>::new());
    let lines = stub.command_lines("cargo");
    let fixed = "build --quiet --release --locked --target wasm32-wasip1 --bin tea --target-dir ";
    assert!(lines[1].starts_with(fixed), "{}", lines[1]);
}
