//! A module built elsewhere, handed over with `--wasm FILE`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BuildError, Built, Made, Toolchain, disk};
use crate::sys::process::Spawner;

/// The file. It is read when the build is due, as any source would be.
#[derive(Clone, Debug)]
pub struct Prebuilt(pub PathBuf);

impl Toolchain for Prebuilt {
    fn describe(&self) -> String {
        format!("prebuilt module ({})", self.0.display())
    }

    fn build(&self, _: &Path, _: Spawner<'_>) -> Result<Built, BuildError> {
        let wasm = fs::read(&self.0).map_err(disk("read", &self.0))?;
        Ok(Built { wasm, toolchain: Made::PREBUILT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::environment::Environment;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_prebuilt_module_is_taken_as_it_is_and_recorded_as_such() {
        let temp = tempfile::tempdir().unwrap();
        let (environment, stop) = (Environment::default(), AtomicBool::new(false));
        let spawner = Spawner { environment: &environment, stop: &stop };
        let file = temp.path().join("my.wasm");
        fs::write(&file, b"any bytes").unwrap();
        let built = Prebuilt(file).build(temp.path(), spawner).unwrap();
        assert_eq!(built, Built { wasm: b"any bytes".into(), toolchain: Made::PREBUILT });
        let gone = temp.path().join("gone.wasm");
        let error = Prebuilt(gone.clone()).build(temp.path(), spawner).unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot read {}: ", gone.display())), "{error}");
    }
}
