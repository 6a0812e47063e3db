//! A module built elsewhere, handed over with `--wasm FILE`.

use std::fs;
use std::path::PathBuf;

use super::{BuildError, BuiltModule, Made, disk};
use crate::sys::disk::Operation;

/// The file. It is read when the build is due, as any source would be.
#[derive(Clone, Debug)]
pub(super) struct Prebuilt(pub(super) PathBuf);

impl Prebuilt {
    /// Takes the module as it is.
    ///
    /// # Errors
    /// [`BuildError::Disk`].
    pub(super) fn read(&self) -> Result<BuiltModule, BuildError> {
        let wasm = fs::read(&self.0).map_err(disk(Operation::Read, &self.0))?;
        Ok(BuiltModule { wasm, toolchain: Made::PREBUILT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prebuilt_module_is_taken_as_it_is_and_recorded_as_such() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("my.wasm");
        fs::write(&file, b"any bytes").unwrap();
        let built = Prebuilt(file).read().unwrap();
        assert_eq!(built, BuiltModule { wasm: b"any bytes".into(), toolchain: Made::PREBUILT });
        let gone = temp.path().join("gone.wasm");
        let error = Prebuilt(gone.clone()).read().unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot read {}: ", gone.display())), "{error}");
    }
}
