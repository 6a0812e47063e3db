//! The ten functions of `aileron_host`, and the little of WASI that is ours.
//!
//! | room | one line |
//! |---|---|
//! | [`http`] | one whole exchange: grant, credential, redirects, caps |
//! | `response` | the five functions in front of it: buffer and sticky error |
//! | [`log`] | what a connector says, bounded and printable |
//! | [`spawn`] | may this program be started; the five functions, none of which starts one |
//! | `wasi` | `proc_exit`, `poll_oneoff`, and every buffer of `fd_write` and `fd_read` |
//! | `stdio`, `clock`, `limiter`, `memory` | captured streams, time and randomness, memory's bound, a guest's ranges |
//!
//! Host functions never trap: they answer with a code, and what was wrong is remembered on the host's side, where the
//! guest cannot read it (sandbox.md §3, §6.5). Every invoke has a state of its own.

pub mod clock;
pub mod http;
pub(crate) mod limiter;
pub mod log;
mod memory;
mod response;
pub mod spawn;
pub mod stdio;
mod wasi;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aileron_verifier::artifact::module::HOST_MODULE;
use wasmtime::{Caller, Engine, Linker};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;

use crate::failure::Failure;
pub(crate) use clock::GuestClock;
use clock::Profile;
use limiter::Limiter;
use log::{Log, LogLine};
use spawn::Spawning;
use stdio::Capture;
pub(crate) use wasi::GuestExit;

/// What stands behind `http_request`: the network, or what a test puts in its place.
pub trait Exchange: Send + Sync {
    /// Performs one whole exchange for the envelope a guest handed over.
    fn exchange<'a>(&'a self, envelope: &'a [u8]) -> Pin<Box<dyn Future<Output = ExchangeResult> + Send + 'a>>;
}

/// How an exchange ended. The code of a failure is what the guest gets: -1 denied or failed, -2 malformed.
pub type ExchangeResult = Result<Response, (i32, Failure)>;

/// A response, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status; any of them is a success here.
    pub status: u16,
    /// The body, decoded; may be empty.
    pub body: Vec<u8>,
}

/// Receives every line that is kept, as it is logged.
pub type Listener = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// Everything the host holds for one invoke.
pub(crate) struct State {
    wasi: WasiP1Ctx,
    clock: GuestClock,
    profile: Profile,
    network: Arc<dyn Exchange>,
    listener: Option<Listener>,
    pub(crate) http: response::Http,
    pub(crate) spawning: Spawning,
    pub(crate) log: Log,
    pub(crate) limiter: Limiter,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
}

/// What one invoke's state is made of.
pub(crate) struct StateConfig {
    pub(crate) stdin: Vec<u8>,
    pub(crate) profile: Profile,
    pub(crate) memory: u64,
    pub(crate) network: Arc<dyn Exchange>,
    pub(crate) spawning: Spawning,
    pub(crate) listener: Option<Listener>,
}

impl State {
    /// A fresh state: three streams, two clocks, randomness. No arguments, environment, directories or sockets.
    pub(crate) fn new(with: StateConfig) -> State {
        let clock = GuestClock::of(with.profile);
        let (stdout, stderr) = (Capture::stdout(), Capture::stderr());
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin(MemoryInputPipe::new(with.stdin)).stdout(stdout.clone()).stderr(stderr.clone());
        clock::configure(&mut wasi, with.profile, &clock);
        State {
            wasi: wasi.build_p1(),
            clock,
            profile: with.profile,
            network: with.network,
            listener: with.listener,
            http: response::Http::default(),
            spawning: with.spawning,
            log: Log::default(),
            limiter: Limiter::new(with.memory),
            stdout,
            stderr,
        }
    }
}

/// Everything a connector may import. sandbox.md §2.2, §3.1.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi)?;
    wasi::link(&mut linker)?;
    linker.func_wrap(
        HOST_MODULE,
        "log",
        |mut caller: Caller<'_, State>, level: u32, level_len: u32, message: u32, message_len: u32| {
            let Some((memory, state)) = memory::split(&mut caller) else { return };
            let text = |pointer, length| memory::range(memory, pointer, length).unwrap_or_default();
            let line = state.log.record(text(level, level_len), text(message, message_len));
            if let (Some(line), Some(listener)) = (line, &state.listener) {
                listener(line);
            }
        },
    )?;
    response::link(&mut linker)?;
    spawn::link(&mut linker)?;
    Ok(linker)
}
