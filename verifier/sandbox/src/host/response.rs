//! The five HTTP functions and the state between them: one buffered response, one sticky error. sandbox.md §3.3.

use aileron_verifier::artifact::module::HOST_MODULE;
use aileron_verifier::problem::Class;
use wasmtime::{Caller, Linker, Result};

use super::http::MALFORMED;
use super::{State, memory};
use crate::failure::Failure;

/// What a guest may read of the last exchange that succeeded, and what the last one failed with.
#[derive(Debug, Default)]
pub(crate) struct Http {
    buffered: Option<(u16, Vec<u8>)>,
    sticky: Option<Failure>,
}

impl Http {
    /// Takes what the last exchange failed with.
    pub(crate) fn sticky(&mut self) -> Option<Failure> {
        self.sticky.take()
    }

    /// Remembers how an exchange ended and returns what the guest gets. After a failure the last response stays readable.
    fn settle(&mut self, answer: super::ExchangeResult) -> i32 {
        match answer {
            Ok(response) => {
                self.buffered = Some((response.status, response.body));
                self.sticky = None;
                0
            }
            Err((code, failure)) => {
                self.sticky = Some(failure);
                code
            }
        }
    }
}

/// Nothing is buffered, or the range is bad.
const NONE: i32 = -1;

pub(super) fn link(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap_async(
        HOST_MODULE,
        "http_request",
        |mut caller: Caller<'_, State>, (pointer, length): (u32, u32)| {
            Box::new(async move {
                // Copied first: memory may not be looked at across a wait.
                let envelope = memory::split(&mut caller)
                    .and_then(|(memory, _)| memory::input(memory, pointer, length).map(<[u8]>::to_vec));
                let answer = match envelope {
                    Some(envelope) => {
                        let network = caller.data().network.clone();
                        network.exchange(&envelope).await
                    }
                    None => {
                        let words = "http_request: invalid memory range";
                        Err((MALFORMED, Failure::new(Class::ConnectorRuntimeError, words)))
                    }
                };
                caller.data_mut().http.settle(answer)
            })
        },
    )?;
    linker.func_wrap(HOST_MODULE, "http_response_size", |caller: Caller<'_, State>| {
        caller.data().http.buffered.as_ref().map_or(NONE, |(_, body)| memory::signed(body.len()))
    })?;
    linker.func_wrap(HOST_MODULE, "http_response_status", |caller: Caller<'_, State>| {
        caller.data().http.buffered.as_ref().map_or(NONE, |(status, _)| i32::from(*status))
    })?;
    linker.func_wrap(
        HOST_MODULE,
        "http_response_read",
        |mut caller: Caller<'_, State>, pointer: u32, length: u32| {
            let Some((memory, state)) = memory::split(&mut caller) else { return NONE };
            let Some((_, body)) = &state.http.buffered else { return NONE };
            memory::output(memory, pointer, length, body)
        },
    )?;
    Ok(())
}
