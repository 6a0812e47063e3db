//! The five spawn functions. They link, every gate is checked, and no program is ever started. sandbox.md §11, §15a.
//!
//! A call that passes all gates answers -3: this host cannot confine a child process. What a call failed with becomes the
//! outcome of the invoke, as a failed `http_request` does (§11.2).

mod pattern;

use std::collections::BTreeMap;

use aileron_verifier::artifact::manifest::{ConnectorManifest, Spawn};
use aileron_verifier::artifact::module::HOST_MODULE;
use aileron_verifier::problem::Class;
use serde::Deserialize;
use serde_json::{Map, Value};
use wasmtime::{Caller, Linker, Result};

use super::{State, memory};
use crate::failure::Failure;
use pattern::Pattern;

/// What a connector may start: its manifest's table, and its name for the messages.
#[derive(Clone, Debug)]
pub struct Policy {
    connector: String,
    table: Option<Spawn>,
}

/// The spawn side of one invoke.
#[derive(Debug)]
pub(crate) struct Spawning {
    pub(crate) policy: std::sync::Arc<Policy>,
    /// Programs the action narrows the grant to; empty narrows nothing.
    pub(crate) subset: Vec<String>,
    pub(crate) sticky: Option<Failure>,
}

/// What `spawn` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    program: Option<String>,
    argv: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    cwd: Option<String>,
    stdin: Option<String>,
    credential_env_keys: Option<Vec<String>>,
}

/// What the guest gets: denied; not understood; understood and allowed, but not possible here.
const DENIED: i32 = -1;
const MALFORMED: i32 = -2;
const UNAVAILABLE: i32 = -3;

pub(super) fn link(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(HOST_MODULE, "spawn", |mut caller: Caller<'_, State>, pointer: u32, length: u32| {
        let Some((memory, state)) = memory::split(&mut caller) else { return MALFORMED };
        let answer = match memory::input(memory, pointer, length) {
            Some(bytes) => state.spawning.spawn(bytes),
            None => malformed("spawn: invalid memory range"),
        };
        state.spawning.settle(answer)
    })?;
    linker.func_wrap(
        HOST_MODULE,
        "spawn_op",
        |mut caller: Caller<'_, State>, op: u32, op_len: u32, args: u32, args_len: u32| {
            let Some((memory, state)) = memory::split(&mut caller) else { return MALFORMED };
            let answer = match (memory::range(memory, op, op_len), memory::range(memory, args, args_len)) {
                (Some(op), Some(args)) => state.spawning.spawn_op(op, args),
                _ => malformed("spawn_op: invalid memory range"),
            };
            state.spawning.settle(answer)
        },
    )?;
    linker.func_wrap(HOST_MODULE, "spawn_status", || -> i32 { -2 })?;
    linker.func_wrap(HOST_MODULE, "spawn_output_size", |_which: u32| -> i32 { -1 })?;
    linker.func_wrap(HOST_MODULE, "spawn_output_read", |_which: u32, _pointer: u32, _length: u32| -> i32 { -1 })?;
    Ok(())
}

/// A call always fails here; how, and with which code.
type SpawnRefusal = (i32, Failure);

fn malformed(words: impl Into<String>) -> SpawnRefusal {
    (MALFORMED, Failure::new(Class::ConnectorRuntimeError, words))
}

fn denied(words: impl Into<String>) -> Failure {
    Failure::new(Class::CapabilityDenied, words)
}

impl Spawning {
    fn settle(&mut self, (code, failure): SpawnRefusal) -> i32 {
        self.sticky = Some(failure);
        code
    }

    fn spawn(&self, envelope: &[u8]) -> SpawnRefusal {
        // By way of an object: read directly, a list would be taken for one.
        let object = serde_json::from_slice::<Option<Map<String, Value>>>(envelope);
        match object.and_then(|object| serde_json::from_value(Value::Object(object.unwrap_or_default()))) {
            Ok(request) => self.judged(&request),
            Err(error) => malformed(format!("spawn: invalid JSON envelope: {error}")),
        }
    }

    fn spawn_op(&self, op: &[u8], args: &[u8]) -> SpawnRefusal {
        let Ok(op) = std::str::from_utf8(op) else { return malformed("spawn_op: the op is not UTF-8") };
        let args = match args {
            [] => Ok(BTreeMap::new()),
            args => serde_json::from_slice::<Option<BTreeMap<String, String>>>(args).map(Option::unwrap_or_default),
        };
        match args {
            Err(error) => malformed(format!("spawn_op: invalid JSON args: {error}")),
            Ok(args) => match self.policy.envelope(op, &args) {
                Ok(request) => self.judged(&request),
                Err(failure) => (DENIED, failure),
            },
        }
    }

    fn judged(&self, request: &Request) -> SpawnRefusal {
        match self.policy.judge(request, &self.subset) {
            Err(failure) => (DENIED, failure),
            Ok(()) => {
                let failure =
                    Failure::new(Class::SpawnSandboxUnavailable, "spawn: sandbox unavailable on this platform")
                        .with("program", request.program.clone().unwrap_or_default())
                        .with("reason", "this host starts no programs");
                (UNAVAILABLE, failure)
            }
        }
    }
}

impl Policy {
    /// What the manifest grants.
    pub fn of(manifest: &ConnectorManifest) -> Policy {
        Policy { connector: manifest.name.value.to_string(), table: manifest.spawn.clone() }
    }

    fn table(&self, requested: &str) -> std::result::Result<&Spawn, Failure> {
        self.table.as_ref().ok_or_else(|| {
            denied("spawn: connector did not declare [capabilities.spawn]")
                .with("requested", requested)
                .with("connector", self.connector.clone())
                .with("boundary_detail", "connector_manifest")
        })
    }

    /// The gates of sandbox.md §11.3, in their order.
    fn judge(&self, request: &Request, subset: &[String]) -> std::result::Result<(), Failure> {
        let program = request.program.as_deref().unwrap_or_default();
        let asked = format!("spawn:{program}");
        let table = self.table(&asked)?;
        if program.is_empty() {
            return Err(denied("spawn: empty program").with("boundary_detail", "envelope"));
        }
        let granted = || names(table.programs.iter().map(|program| &program.path.value));
        if !table.programs.iter().any(|known| known.path.value == program) {
            return Err(denied("spawn: program not declared").with("requested", asked).with("granted", granted()));
        }
        let argv = request.argv.as_deref().unwrap_or_default();
        if argv.is_empty() {
            return Err(denied("spawn: empty argv").with("boundary_detail", "envelope"));
        }
        if !table.operations.iter().any(|operation| Pattern::parse(&operation.argv.value).matches(argv)) {
            return Err(denied("spawn: argv matches no declared operation").with("requested", asked));
        }
        let is_passed = |key: &String| table.env_passthrough.iter().any(|known| known.value == *key);
        let keys = request.env.iter().flat_map(BTreeMap::keys);
        if let Some(key) = keys.into_iter().find(|key| !is_passed(key)) {
            return Err(denied("spawn: environment key not declared").with("requested", format!("env:{key}")));
        }
        if let Some(key) = request.credential_env_keys.iter().flatten().find(|key| !is_passed(key)) {
            let words = "spawn: credential environment key not declared";
            return Err(denied(words).with("requested", format!("env:{key}")));
        }
        if let Some(cwd) = request.cwd.as_deref().filter(|cwd| !cwd.is_empty()) {
            let asked = format!("cwd:{cwd}");
            if table.cwd.as_ref().is_some_and(|declared| declared.value != cwd) {
                return Err(denied("spawn: cwd differs from the declared one").with("requested", asked));
            }
            if !table.fs_read.is_empty() && !table.fs_read.iter().any(|root| is_under(cwd, &root.value)) {
                return Err(denied("spawn: cwd outside the declared paths").with("requested", asked));
            }
        }
        if !subset.is_empty() && !subset.iter().any(|known| known == program) {
            return Err(denied("spawn: program not in action's declared capability subset")
                .with("requested", asked)
                .with("action_subset", names(subset))
                .with("boundary_detail", "action"));
        }
        Ok(())
    }

    /// What `spawn_op` asks `spawn` for.
    fn envelope(&self, op: &str, args: &BTreeMap<String, String>) -> std::result::Result<Request, Failure> {
        let asked = format!("spawn:{op}");
        let table = self.table(&asked)?;
        let Some(operation) = table.operations.iter().find(|operation| operation.name.value == op) else {
            let known = table.operations.iter().map(|operation| operation.name.value.clone());
            let known: Vec<_> = known.map(Value::from).collect();
            return Err(denied("spawn_op: operation not declared").with("requested", asked).with("granted", known));
        };
        let argv = Pattern::parse(&operation.argv.value).render(args).map_err(|placeholder| {
            denied(format!("spawn_op: no value for {{{placeholder}}}"))
                .with("boundary_detail", "envelope")
                .with("placeholder", placeholder)
        })?;
        Ok(Request {
            program: table.programs.first().map(|program| program.path.value.clone()),
            argv: Some(argv),
            cwd: table.cwd.as_ref().map(|cwd| cwd.value.clone()),
            credential_env_keys: Some(table.credential_env_keys.iter().map(|key| key.value.clone()).collect()),
            ..Request::default()
        })
    }
}

fn names<'a>(programs: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    programs.into_iter().map(|program| Value::from(format!("spawn:{program}"))).collect()
}

/// Whether a path is `root` or lies below it, component by component. A path that climbs is below nothing.
fn is_under(path: &str, root: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').enumerate().filter(|(at, part)| *at == 0 || !matches!(*part, "" | ".")).map(own).collect()
    };
    let (path, root) = (parts(path), parts(root));
    !path.iter().any(|part| part == "..") && path.starts_with(&root)
}

fn own((_, part): (usize, &str)) -> String {
    part.to_owned()
}

#[cfg(test)]
mod tests;
