//! Bytes that claim to be a connector: read, judged, compiled, linked and, where all of that goes well, run for a moment.
//! Seed the corpus with real modules; from nothing the fuzzer rarely finds one.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aileron_sandbox::engine::{Engine, LocalBuild};
use aileron_sandbox::host::http::Network;
use aileron_sandbox::invoke::{Invocation, Limits, invoke, runtime};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::{Class, Source};
use aileron_verifier::text::toml::Stage;
use libfuzzer_sys::fuzz_target;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).unwrap());

static MANIFEST: LazyLock<ConnectorManifest> = LazyLock::new(|| {
    let text = "[connector]\nname = \"github://acme/x\"\nversion = \"0.1.0\"\n";
    let source = Source::new("manifest.toml", text);
    ConnectorManifest::parse(source, Stage::Artifact).document.unwrap()
});

fuzz_target!(|data: &[u8]| {
    let Ok(build) = LocalBuild::new(data.to_vec(), MANIFEST.clone()) else { return };
    match ENGINE.compile_local(&build) {
        Err(failure) => assert_eq!(failure.class, Class::ConnectorLoadFailed),
        Ok(connector) => {
            let network = Arc::new(Network::of(&MANIFEST));
            let limits = Limits::new(1 << 20, Duration::from_millis(20));
            let done = runtime().unwrap().block_on(invoke(&connector, Invocation { limits, ..Invocation::new("x", network) }));
            let _ = done.result;
        }
    }
});
