//! A module becomes compiled code, once; compiled code becomes a cache entry. sandbox.md §1, §2; artifacts.md §9.
//!
//! Only what was judged gets in: [`Verified`], or, through the second door that is named for what it is, a
//! [`LocalBuild`]. Compiling is outside every operation's time limit; it has one of its own.

mod budget;
mod cache;
mod compiling;
mod ticker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::module::{FEATURES, Module, NotAModule};
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::problem::Class;
use wasmtime::{Config, InstancePre, Linker, OptLevel, WasmFeatures};

use crate::failure::Failure;
use crate::host::{self, State, spawn};
pub use cache::{Cache, CacheFault};
pub use compiling::COMPILE_TIME;
pub(crate) use ticker::Ticker;

/// How often the caller's stop is looked at, while compiling and while running.
pub const STOP_CHECK: Duration = Duration::from_millis(25);

/// Compiles and remembers. One per process is enough; shared by all threads.
pub struct Engine {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    cache: Option<Cache>,
    ticker: Arc<Ticker>,
    patience: compiling::Patience,
}

/// A connector that can be invoked, any number of times, side by side.
#[derive(Clone)]
pub struct Connector {
    pub(crate) instance: InstancePre<State>,
    pub(crate) spawn: Arc<spawn::Policy>,
    pub(crate) ticker: Arc<Ticker>,
    content: ContentHash,
    origin: Origin,
}

/// Where compiled code came from, and whether the next run finds it.
#[derive(Clone, Debug)]
pub enum Origin {
    /// From the cache.
    Cached,
    /// Compiled now, and put into the cache.
    Stored,
    /// Compiled now; there is no cache.
    Compiled,
    /// Compiled now, and not put into the cache: the next run compiles again. Nothing else is wrong.
    Unstored(Arc<CacheFault>),
}

/// An unsigned, unbound build of a publisher's own machine: `run` and `test` execute it, the store cannot take it.
/// sandbox.md §15a.
#[derive(Clone, Debug)]
pub struct LocalBuild {
    wasm: Vec<u8>,
    manifest: ConnectorManifest,
    module: Module,
    content: ContentHash,
}

impl LocalBuild {
    /// Takes a build and the manifest beside it.
    ///
    /// # Errors
    /// [`NotAModule`]: what is no module is no build either.
    pub fn new(wasm: Vec<u8>, manifest: ConnectorManifest) -> Result<LocalBuild, NotAModule> {
        let module = Module::parse(&wasm)?;
        let content = ContentHash::of(&[&wasm, manifest.source.text.as_bytes()]);
        Ok(LocalBuild { wasm, manifest, module, content })
    }

    /// The manifest it was given.
    pub fn manifest(&self) -> &ConnectorManifest {
        &self.manifest
    }

    /// Imports and exports.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What it would hash to if it were released as it is.
    pub fn content(&self) -> ContentHash {
        self.content
    }
}

/// What is compiled: everything was judged before it came here.
struct Source<'a> {
    wasm: &'a [u8],
    manifest: &'a ConnectorManifest,
    module: &'a Module,
    content: ContentHash,
}

impl Engine {
    /// Starts an engine, with a cache or without one.
    ///
    /// # Errors
    /// [`Failure`] `connector_load_failed` where this machine cannot run compiled code.
    pub fn new(cache: Option<Cache>) -> Result<Engine, Failure> {
        let broken = |error: wasmtime::Error| load_failed(format!("start the engine: {error:#}"));
        let wasmtime = wasmtime::Engine::new(&settings()).map_err(broken)?;
        let linker = host::linker(&wasmtime).map_err(broken)?;
        let ticker = Arc::new(Ticker::new(wasmtime.weak()));
        Ok(Engine { wasmtime, linker, cache, ticker, patience: compiling::Patience::default() })
    }

    /// Compiling gives up when this is set, looked at every [`STOP_CHECK`].
    #[must_use]
    pub fn stopped_by(mut self, stop: &'static AtomicBool) -> Engine {
        self.patience.stop = Some(stop);
        self
    }

    /// Compiling gives up after this time instead of [`COMPILE_TIME`].
    #[must_use]
    pub fn compiling_within(mut self, limit: Duration) -> Engine {
        self.patience.limit = limit;
        self
    }

    /// The compiled code of a connector this cache has seen, without its module: what makes a warm run fast.
    ///
    /// `content` and `manifest` belong together: the caller has checked the entry it read the manifest from, now or
    /// under a stamp that still holds. `None` where nothing usable is there; then [`Engine::compile`] is due.
    pub fn recall(&self, content: ContentHash, manifest: &ConnectorManifest) -> Option<Connector> {
        let module = self.cache.as_ref()?.load(&self.wasmtime, content)?;
        self.linked(&module, manifest, content, Origin::Cached).ok()
    }

    /// Compiles a verified connector, or recalls it.
    ///
    /// # Errors
    /// [`Failure`] `connector_load_failed`: an import no host offers, an import `[capabilities.runtime]` does not list,
    /// no `_start`, no memory, wasm beyond WebAssembly 2.0, an action, or a module that takes more than [`COMPILE_TIME`] or
    /// is too costly to be tried; `resource_limit_exceeded` when the caller stopped it.
    pub fn compile(&self, artifact: &Verified) -> Result<Connector, Failure> {
        match (artifact.payload(), artifact.files()) {
            (Payload::Connector { content, manifest, module }, Files::Connector { wasm, .. }) => {
                self.compiled(&Source { wasm, manifest, module, content: *content })
            }
            _ => Err(load_failed("an action has no code to run")),
        }
    }

    /// [`Engine::compile`] for what is not signed.
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub fn compile_local(&self, build: &LocalBuild) -> Result<Connector, Failure> {
        let LocalBuild { wasm, manifest, module, content } = build;
        self.compiled(&Source { wasm, manifest, module, content: *content })
    }

    fn compiled(&self, source: &Source<'_>) -> Result<Connector, Failure> {
        let declared: Option<Vec<String>> =
            source.manifest.imports.as_ref().map(|imports| imports.iter().map(|import| import.value.clone()).collect());
        let faults = source.module.faults(declared.as_deref());
        if !faults.is_empty() {
            let words: Vec<_> = faults.into_iter().take(FAULTS_SHOWN).map(|fault| fault.message).collect();
            return Err(load_failed(words.join("; ")));
        }
        if let Some(connector) = self.recall(source.content, source.manifest) {
            return Ok(connector);
        }
        let module = compiling::compile(&self.wasmtime, source.wasm, self.patience)?;
        // Linked before it is stored: what the cache holds, links.
        let mut connector = self.linked(&module, source.manifest, source.content, Origin::Compiled)?;
        if let Some(cache) = &self.cache {
            connector.origin = match cache.store(&self.wasmtime, source.content, &module) {
                Ok(()) => Origin::Stored,
                Err(fault) => Origin::Unstored(Arc::new(fault)),
            };
        }
        Ok(connector)
    }

    fn linked(
        &self,
        module: &wasmtime::Module,
        manifest: &ConnectorManifest,
        content: ContentHash,
        origin: Origin,
    ) -> Result<Connector, Failure> {
        let instance = self.linker.instantiate_pre(module).map_err(|error| load_failed(format!("link: {error:#}")))?;
        let spawn = Arc::new(spawn::Policy::of(manifest));
        Ok(Connector { instance, spawn, ticker: Arc::clone(&self.ticker), content, origin })
    }
}

impl Connector {
    /// The content hash of what was compiled.
    pub fn content(&self) -> ContentHash {
        self.content
    }

    /// Where the code came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Enough to act on; a hostile module has as many faults as it likes.
const FAULTS_SHOWN: usize = 5;

fn load_failed(words: impl Into<String>) -> Failure {
    Failure::new(Class::ConnectorLoadFailed, words)
}

/// The features a build is checked for, and no more (sandbox.md §2.3); interruptible at any moment; code as small as it can be, since
/// a warm run maps it from disk.
fn settings() -> Config {
    let mut config = Config::new();
    config.wasm_features(WasmFeatures::all().difference(FEATURES), false);
    config.epoch_interruption(true);
    config.cranelift_opt_level(OptLevel::Speed);
    // Symbols, addresses of instructions and unwind tables serve backtraces into a stranger's stripped module.
    config.debug_symbols(false);
    config.wasm_backtrace_max_frames(None);
    config.generate_address_map(false);
    config.native_unwind_info(cfg!(windows)); // required there
    config
}
