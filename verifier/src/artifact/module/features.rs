//! Which WebAssembly a connector may use. sandbox.md §2.3.
//!
//! One list. The check of a build is made from it, and so are the settings of the engine: what the one accepts, the other
//! compiles.

use wasmparser::{BinaryReaderError, Validator, WasmFeatures};

/// WebAssembly 2.0 without references to host objects (`externref`): no host function takes or gives one.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2.difference(WasmFeatures::GC_TYPES);

/// What toolchains can be told to use beyond that, with the name a person knows it by. A later one may need an earlier one.
const PROPOSALS: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::TAIL_CALL, "tail calls"),
    (WasmFeatures::MULTI_MEMORY, "more than one memory"),
    (WasmFeatures::EXTENDED_CONST, "extended constant expressions"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::EXCEPTIONS, "exceptions"),
    (WasmFeatures::GC_TYPES, "references to host objects (externref)"),
    (WasmFeatures::EXCEPTIONS.union(WasmFeatures::GC_TYPES), "exceptions"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "exceptions of the first draft"),
    (WasmFeatures::MEMORY64, "64-bit memories"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "memory pages of another size"),
    (WasmFeatures::GC_TYPES.union(WasmFeatures::FUNCTION_REFERENCES), "typed function references"),
    (
        WasmFeatures::GC_TYPES.union(WasmFeatures::FUNCTION_REFERENCES).union(WasmFeatures::GC),
        "garbage-collected types",
    ),
];

/// Why a module cannot be compiled, naming the feature where it is one of the known ones; `None` when it can. The file has been
/// read to its end before.
pub(super) fn refusal(bytes: &[u8]) -> Option<String> {
    let error = validate(bytes, FEATURES).err()?;
    let helps = |features: WasmFeatures| match validate(bytes, FEATURES.union(features)) {
        Ok(()) => true,
        Err(later) => later.offset() > error.offset(),
    };
    let at = error.offset();
    Some(match PROPOSALS.into_iter().find(|(features, _)| helps(*features)) {
        Some((_, name)) => format!("the module uses {name}, which the runtime does not support (byte {at})"),
        None => format!("the module is not valid: {} (byte {at})", error.message()),
    })
}

fn validate(bytes: &[u8], features: WasmFeatures) -> Result<(), BinaryReaderError> {
    Validator::new_with_features(features).validate_all(bytes).map(drop)
}
