//! What a wasm file imports and exports.
//!
//! A connector's payload carries no length, so its module must be one module to its last byte: otherwise bytes could move
//! between module and manifest under the same signature (artifacts.md §6). And what a module may do is decided by what it
//! imports. Both are read here, from structure: every section is read item by item and every function's frame is checked,
//! nothing is type-checked. This runs before each op; the sandbox's engine validates in full, once, before it compiles.

mod features;
mod sections;

use std::collections::BTreeSet;
use std::fmt;

use crate::artifact::rules;
use crate::problem::{Class, Rule};
use crate::text::printable;
pub use features::FEATURES;

/// Import module of the host functions. sandbox.md §3.
pub const HOST_MODULE: &str = "aileron_host";

/// Import module of WASI preview 1. sandbox.md §2.2.
pub const WASI_MODULE: &str = "wasi_snapshot_preview1";

/// Every function of [`HOST_MODULE`] with its type, sorted by name. sandbox.md §3.1.
pub const HOST_FUNCTIONS: [(&str, &str); 10] = [
    ("http_request", "(i32, i32) -> i32"),
    ("http_response_read", "(i32, i32) -> i32"),
    ("http_response_size", "() -> i32"),
    ("http_response_status", "() -> i32"),
    ("log", "(i32, i32, i32, i32) -> ()"),
    ("spawn", "(i32, i32) -> i32"),
    ("spawn_op", "(i32, i32, i32, i32) -> i32"),
    ("spawn_output_read", "(i32, i32, i32) -> i32"),
    ("spawn_output_size", "(i32) -> i32"),
    ("spawn_status", "() -> i32"),
];

/// Every function of [`WASI_MODULE`], sorted: the whole of preview 1. sandbox.md §2.4.
pub const WASI_FUNCTIONS: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// A wasm file, as far as it can be judged from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// In the file's order; the same function may stand more than once (Go imports `fd_write` twice).
    pub imports: Vec<Import>,
    /// In the file's order.
    pub exports: Vec<Export>,
    /// Limits of memory 0, imported or own.
    pub memory: Option<Memory>,
    /// What the `producers` section says it was made with, as `processed-by: rustc 1.95.0`. Unsigned by its makers: for
    /// people, never for decisions.
    pub toolchain: Vec<String>,
    /// Bytes of the file.
    pub size: usize,
    /// Why no engine of a connector would compile it, if [`Module::of_build`] looked and found something.
    pub refusal: Option<String>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module it is imported from.
    pub module: String,
    /// The name in that module.
    pub name: String,
    /// What is wanted.
    pub item: Item,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The name.
    pub name: String,
    /// What is given.
    pub item: Item,
}

/// What an import wants or an export gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A function, with its type as text: `(i32, i32) -> i32`, `() -> ()`. `None` when the file names a type it does not
    /// have.
    Function(Option<String>),
    /// A table.
    Table,
    /// A memory. Engines give a name only to memory 0 in the features we take.
    Memory,
    /// A global.
    Global,
    /// An exception tag.
    Tag,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Function(Some(signature)) => write!(f, "func {signature}"),
            Item::Function(None) => f.write_str("func of an undefined type"),
            Item::Table => f.write_str("table"),
            Item::Memory => f.write_str("memory"),
            Item::Global => f.write_str("global"),
            Item::Tag => f.write_str("tag"),
        }
    }
}

/// Limits of a linear memory, in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Pages it starts with.
    pub minimum: u64,
    /// Pages it may grow to; `None` leaves that to the host.
    pub maximum: Option<u64>,
}

/// Why bytes are not one wasm module. Always class `malformed_tarball`. artifacts.md §7.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAModule {
    /// No bytes.
    #[error("the module is empty")]
    Empty,
    /// The text format, which only fixtures of the runtime use. sandbox.md §2.3.
    #[error("the module is text (.wat): compile it to the binary format")]
    Text,
    /// Other first bytes than `\0asm`.
    #[error("not a wasm module: it starts with {found} instead of 00 61 73 6d")]
    Magic {
        /// The first bytes, in hex.
        found: String,
    },
    /// A component or something newer than that.
    #[error("a wasm component, not a core module: build for wasip1")]
    Component,
    /// A version other than 1.
    #[error("wasm version {found}; only version 1 is read")]
    Version {
        /// The version, and the layer above it when it is not 0.
        found: u32,
    },
    /// The structure breaks before the last byte: cut off, followed by foreign bytes, or of a wasm proposal outside
    /// WebAssembly 2.0.
    #[error("the module does not parse at byte {at} of {size}: {}", printable(.reason))]
    Structure {
        /// Byte offset.
        at: usize,
        /// Bytes of the file.
        size: usize,
        /// What was wrong there.
        reason: String,
    },
}

impl NotAModule {
    /// `malformed_tarball`. artifacts.md §7.
    pub fn class(&self) -> Class {
        Class::MalformedTarball
    }
}

/// One thing that keeps a module from being a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFault {
    /// [`rules::MODULE_FEATURE`], [`rules::MODULE_IMPORT`], [`rules::MODULE_EXPORT`] or [`rules::RUNTIME_IMPORTS`].
    pub rule: &'static Rule,
    /// What is wrong, with the name in question.
    pub message: String,
}

impl Module {
    /// Reads one core module of WebAssembly 2.0, to the last byte.
    ///
    /// # Errors
    /// [`NotAModule`]. Rules that need types, as what `_start` takes, are not errors here but [`Module::faults`].
    pub fn parse(bytes: &[u8]) -> Result<Module, NotAModule> {
        sections::parse(bytes)
    }

    /// As [`Module::parse`], for a module that was just built: every instruction is validated too, so that what can never run
    /// is one of its [`Module::faults`] before it is signed. Takes ten times as long. sandbox.md §2.3.
    ///
    /// # Errors
    /// [`NotAModule`].
    pub fn of_build(bytes: &[u8]) -> Result<Module, NotAModule> {
        Ok(Module { refusal: features::refusal(bytes), ..Module::parse(bytes)? })
    }

    /// Names imported from [`HOST_MODULE`], sorted, each once: what the module can ask of the host.
    pub fn host_functions(&self) -> Vec<&str> {
        let host = self.imports.iter().filter(|import| import.module == HOST_MODULE);
        host.map(|import| import.name.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The export of that name.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// Whether `_start` is exported as a function `() -> ()`. sandbox.md §2.1.
    pub fn starts(&self) -> bool {
        self.export("_start").is_some_and(|start| start.item == Item::Function(Some("() -> ()".into())))
    }

    /// Everything that keeps it from running as a connector: what [`Module::of_build`] found; imports no host offers, exports that are missing, and, when
    /// the manifest has `[capabilities.runtime]`, host functions beyond its `imports` (`declared`; without that table
    /// nothing is undeclared). sandbox.md §2.1, §2.2, §3.1, §6.4.
    ///
    /// Each fault once, in the file's order; empty for a sound connector.
    pub fn faults(&self, declared: Option<&[String]>) -> Vec<ModuleFault> {
        let mut faults = Vec::new();
        let mut add = |rule, message| faults.push(ModuleFault { rule, message });
        if let Some(refusal) = &self.refusal {
            add(rules::MODULE_FEATURE, refusal.clone());
        }
        let mut seen = BTreeSet::new();
        for import in &self.imports {
            // A hostile file repeats itself a million times; once is enough.
            if seen.insert((&import.module, &import.name, import.item.to_string()))
                && let Some(message) = import.fault()
            {
                add(rules::MODULE_IMPORT, message);
            }
        }
        match self.export("_start") {
            None => add(rules::MODULE_EXPORT, "the module exports no function `_start`".into()),
            Some(_) if self.starts() => {}
            Some(start) => {
                add(rules::MODULE_EXPORT, format!("the export `_start` is {}, not func () -> ()", start.item));
            }
        }
        match self.export("memory") {
            None => add(rules::MODULE_EXPORT, "the module exports no memory `memory`".into()),
            Some(Export { item: Item::Memory, .. }) => {}
            Some(memory) => {
                add(rules::MODULE_EXPORT, format!("the export `memory` is a {}, not a memory", memory.item))
            }
        }
        if let Some(declared) = declared {
            for name in self.host_functions() {
                // A name no host offers was said above.
                let offered = HOST_FUNCTIONS.iter().any(|(known, _)| *known == name);
                if offered && !declared.iter().any(|declared| declared == name) {
                    let message = format!("the module imports `{name}`, which [capabilities.runtime] does not list");
                    add(rules::RUNTIME_IMPORTS, message);
                }
            }
        }
        faults
    }
}

impl Import {
    fn fault(&self) -> Option<String> {
        let (module, name) = (printable(&self.module), printable(&self.name));
        let wanted = match self.module.as_str() {
            HOST_MODULE => {
                HOST_FUNCTIONS.iter().find(|(known, _)| *known == self.name).map(|(_, wanted)| Some(*wanted))
            }
            WASI_MODULE => WASI_FUNCTIONS.binary_search(&self.name.as_str()).ok().map(|_| None),
            _ => return Some(format!("the module imports `{name}` from `{module}`, which no host offers")),
        };
        match (wanted, &self.item) {
            (None, _) => Some(format!("`{module}` has no function `{name}`")),
            (Some(None), Item::Function(Some(_))) => None,
            (Some(None), item) => Some(format!("the import `{module}` `{name}` is {item}, not a function")),
            (Some(Some(wanted)), Item::Function(Some(found))) if found == wanted => None,
            (Some(Some(wanted)), item) => Some(format!("the import `{module}` `{name}` is {item}, not func {wanted}")),
        }
    }
}

#[cfg(test)]
mod tests;
