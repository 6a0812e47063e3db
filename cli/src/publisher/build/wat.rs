//! WebAssembly text, assembled in this process: no toolchain, and the same bytes everywhere.

use std::fs;
use std::path::Path;

use aileron_templates::Template;

use super::{BuildError, BuiltModule, CONNECTOR, Made, Toolchain, disk};
use crate::publisher::source::TreePath;
use crate::sys::disk::Operation;
use crate::sys::process::Spawner;

/// `connector/connector.wat`.
#[derive(Clone, Copy, Debug)]
pub struct Wat;

/// The version of the assembler, which decides the bytes. Pinned in the workspace's `Cargo.toml`; a test compares.
const VERSION: &str = "1.254.0";

const NAME: &str = "wat";

const SOURCE: &str = "connector.wat";

impl Toolchain for Wat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "WebAssembly text"
    }

    fn summary(&self) -> &'static str {
        "WebAssembly text; needs no toolchain"
    }

    fn choice(&self) -> &'static str {
        "WebAssembly text (tiny, needs no toolchain)"
    }

    fn marker(&self) -> &'static str {
        SOURCE
    }

    fn yields(&self) -> bool {
        true
    }

    fn template(&self) -> Template {
        Template::of(NAME)
    }

    fn reads(&self, path: &TreePath) -> bool {
        path.names().next() == Some(CONNECTOR.as_bytes())
    }

    fn examine(&self, _: &Path, _: Spawner<'_>) -> Result<String, BuildError> {
        Ok(format!("{VERSION}, part of this program"))
    }

    fn build(&self, copy: &Path, _: Spawner<'_>) -> Result<BuiltModule, BuildError> {
        let path = copy.join(CONNECTOR).join(SOURCE);
        let shown = Path::new(CONNECTOR).join(SOURCE);
        let bytes = fs::read(&path).map_err(disk(Operation::Read, &path))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            BuildError::Text(format!("{}: byte {} is not UTF-8", shown.display(), error.valid_up_to()))
        })?;
        let wasm =
            ::wat::Parser::new().parse_str(Some(&shown), text).map_err(|error| BuildError::Text(error.to_string()))?;
        let toolchain = Made::Built { language: NAME.into(), version: VERSION.into(), flags: Vec::new() };
        Ok(BuiltModule { wasm, toolchain })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::place;
    use super::*;
    use crate::publisher::scaffold::{Credential, Operation, Scaffold, USUAL_SIGNING, scaffold};
    use crate::sys::environment::Environment;
    use std::sync::atomic::AtomicBool;

    fn build(copy: &Path) -> Result<BuiltModule, BuildError> {
        let (environment, stop) = (Environment::default(), AtomicBool::new(false));
        Wat.build(copy, Spawner { environment: &environment, stop: &stop })
    }

    #[test]
    fn the_scaffolded_text_becomes_a_module_the_same_one_each_time() {
        let (environment, stop) = (Environment::default(), AtomicBool::new(false));
        let build_new = || {
            let temp = tempfile::tempdir().unwrap();
            let request = Scaffold {
                dir: temp.path().into(),
                owner: "acme".into(),
                service: "tea".into(),
                template: Wat.template(),
                git: false,
                publisher: "Acme".into(),
                credential: Credential::None,
                operations: Operation::usual(Credential::None),
                signing: USUAL_SIGNING,
                preset: None,
                client_id: None,
            };
            scaffold(&request, Spawner { environment: &environment, stop: &stop }).unwrap();
            build(temp.path()).unwrap()
        };
        let built = build_new();
        assert_eq!(built, build_new());
        assert!(built.wasm.starts_with(b"\0asm\x01\0\0\0"));
        let holds = |text: &str| built.wasm.windows(text.len()).any(|window| window == text.as_bytes());
        for text in ["_start", "memory", "fd_read", "fd_write", "proc_exit", "github://acme/aileron-connector-tea"] {
            assert!(holds(text), "{text}");
        }
        assert!(!holds("aileron_host"));
    }

    #[test]
    fn a_mistake_is_shown_with_its_place() {
        let temp = tempfile::tempdir().unwrap();
        place(temp.path(), "connector/connector.wat", b"(module\n  (fun))");
        let error = build(temp.path()).unwrap_err().to_string();
        assert!(error.contains("connector/connector.wat:2:4"), "{error}");
        place(temp.path(), "connector/connector.wat", b"\0asm\xff");
        let error = build(temp.path()).unwrap_err().to_string();
        assert_eq!(error, "connector/connector.wat: byte 4 is not UTF-8");
    }

    #[test]
    fn the_recorded_version_is_the_one_that_is_linked() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let manifest = fs::read_to_string(path).unwrap();
        assert!(manifest.contains(&format!("\nwat = {{ version = \"={VERSION}\"")), "{VERSION}");
    }
}
