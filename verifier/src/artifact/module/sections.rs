//! The walk through a wasm file, section by section.
//!
//! What a hostile file can make us keep is bounded before it is kept: counts by the limits below, names by the file's size.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{
    BinaryReaderError, CustomSectionReader, ElementItems, ExternalKind, FromReader, FuncType, FunctionBody,
    KnownCustom, MemoryType, Parser, Payload, SectionLimited, TypeRef, TypeSectionReader, ValType, WasmFeatures,
};

use super::{Export, Import, Item, Memory, Module, NotAModule};

/// Most types and most functions: the limit engines share (WebAssembly JavaScript API, "Implementation-defined Limits").
/// This and the next two bound what is kept of a hostile file.
const MAX_FUNCTIONS: u32 = 1_000_000;

/// Most imports and most exports: hundreds of times what a connector has.
const MAX_NAMES: u32 = 10_000;

/// Most parameters or results that are spelt out. No function a host offers has more than 9.
const MAX_SPELT: usize = 16;

/// The instruction every function ends with.
const END: u8 = 0x0b;

/// Most toolchain strings that are kept.
const MAX_PRODUCERS: usize = 32;

/// Reads the whole file.
pub(super) fn parse(bytes: &[u8]) -> Result<Module, NotAModule> {
    preamble(bytes)?;
    let mut sections = Sections { size: bytes.len(), ..Sections::default() };
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::WASM2);
    for payload in parser.parse_all(bytes) {
        let read = payload.map_err(Broken::from).and_then(|payload| sections.take(payload));
        read.map_err(|Broken { at, reason }| NotAModule::Structure { at, size: bytes.len(), reason })?;
    }
    Ok(sections.into_module())
}

/// Checks the first eight bytes, so that the usual accidents get a name.
fn preamble(bytes: &[u8]) -> Result<(), NotAModule> {
    match bytes {
        [] => Err(NotAModule::Empty),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', version @ ..] => match version {
            [_, _, 1, 0, ..] => Err(NotAModule::Component),
            [a, b, c, d, ..] => Err(NotAModule::Version { found: u32::from_le_bytes([*a, *b, *c, *d]) }),
            _ => Err(NotAModule::Structure {
                at: bytes.len(),
                size: bytes.len(),
                reason: "cut off inside the version".into(),
            }),
        },
        _ if bytes.trim_ascii_start().starts_with(b"(") || bytes.starts_with(b";;") => Err(NotAModule::Text),
        _ => {
            let found: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            Err(NotAModule::Magic { found: found.join(" ") })
        }
    }
}

/// The file, section by section.
#[derive(Default)]
struct Sections<'a> {
    size: usize,
    /// The types, read to the end once. They become text for what is imported and exported only: a million of them would
    /// take a hundred times the room they have in the file.
    types: Option<TypeSectionReader<'a>>,
    /// Type index of every function, imported ones first.
    functions: Vec<u32>,
    imports: Vec<(&'a str, &'a str, TypeRef)>,
    exports: Vec<(&'a str, ExternalKind, u32)>,
    memory: Option<Memory>,
    toolchain: Vec<String>,
}

impl<'a> Sections<'a> {
    /// Reads one section to its end.
    fn take(&mut self, payload: Payload<'a>) -> Result<(), Broken> {
        match payload {
            Payload::TypeSection(section) => {
                bounded(&section, MAX_FUNCTIONS, "types")?;
                section.clone().into_iter_err_on_gc_types().try_for_each(|kind| kind.map(drop))?;
                self.types = Some(section);
            }
            Payload::ImportSection(section) => {
                bounded(&section, MAX_NAMES, "imports")?;
                for import in section.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(index) => self.functions.push(index),
                        TypeRef::Memory(memory) => self.has_memory(memory),
                        TypeRef::FuncExact(_) | TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {}
                    }
                    self.imports.push((import.module, import.name, import.ty));
                }
            }
            Payload::FunctionSection(section) => {
                bounded(&section, MAX_FUNCTIONS, "functions")?;
                for index in section {
                    self.functions.push(index?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.has_memory(memory?);
                }
            }
            Payload::ExportSection(section) => {
                bounded(&section, MAX_NAMES, "exports")?;
                for export in section {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::TableSection(section) => exhaust(section)?,
            Payload::TagSection(section) => {
                return Err(Broken::new(section.range().start, "exceptions are outside WebAssembly 2.0"));
            }
            Payload::GlobalSection(section) => exhaust(section)?,
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.items {
                        ElementItems::Functions(items) => exhaust(items)?,
                        ElementItems::Expressions(_, items) => exhaust(items)?,
                    }
                }
            }
            Payload::DataSection(section) => exhaust(section)?,
            Payload::CodeSectionEntry(body) => framed(&body)?,
            Payload::CustomSection(section) => self.producers(&section),
            Payload::Version { .. }
            | Payload::StartSection { .. }
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::End(_) => {}
            Payload::UnknownSection { id, range, .. } => {
                return Err(Broken::new(range.start, format!("unknown section {id}")));
            }
            _ => return Err(Broken::new(0, "a section no core module has")),
        }
        Ok(())
    }

    fn has_memory(&mut self, memory: MemoryType) {
        self.memory.get_or_insert(Memory { minimum: memory.initial, maximum: memory.maximum });
    }

    /// A custom section says nothing binding, so a `producers` section that does not parse is passed over.
    fn producers(&mut self, section: &CustomSectionReader<'a>) {
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                if self.toolchain.len() < MAX_PRODUCERS {
                    self.toolchain
                        .push(format!("{}: {} {}", field.name, value.name, value.version).trim_end().to_owned());
                }
            }
        }
    }

    /// The types of functions that are imported or exported, by index.
    fn spelt(&self) -> BTreeMap<u32, String> {
        let imported = self.imports.iter().filter_map(|(_, _, kind)| match kind {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => Some(*index),
            TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Global(_) | TypeRef::Tag(_) => None,
        });
        let exported = self.exports.iter().filter_map(|(_, kind, index)| match kind {
            ExternalKind::Func | ExternalKind::FuncExact => self.functions.get(*index as usize).copied(),
            ExternalKind::Table | ExternalKind::Memory | ExternalKind::Global | ExternalKind::Tag => None,
        });
        let wanted: BTreeSet<u32> = imported.chain(exported).collect();
        let types = self.types.iter().flat_map(|section| section.clone().into_iter_err_on_gc_types());
        let types = (0..).zip(types.map_while(Result::ok));
        types.filter(|(index, _)| wanted.contains(index)).map(|(index, kind)| (index, signature(&kind))).collect()
    }

    fn into_module(self) -> Module {
        let spelt = self.spelt();
        let function = |kind: Option<&u32>| Item::Function(kind.and_then(|index| spelt.get(index)).cloned());
        let imports = self.imports.iter().map(|(module, name, kind)| Import {
            module: (*module).to_owned(),
            name: (*name).to_owned(),
            item: match kind {
                TypeRef::Func(index) | TypeRef::FuncExact(index) => function(Some(index)),
                TypeRef::Table(_) => Item::Table,
                TypeRef::Memory(_) => Item::Memory,
                TypeRef::Global(_) => Item::Global,
                TypeRef::Tag(_) => Item::Tag,
            },
        });
        let exports = self.exports.iter().map(|(name, kind, index)| Export {
            name: (*name).to_owned(),
            item: match kind {
                ExternalKind::Func | ExternalKind::FuncExact => function(self.functions.get(*index as usize)),
                ExternalKind::Table => Item::Table,
                ExternalKind::Memory => Item::Memory,
                ExternalKind::Global => Item::Global,
                ExternalKind::Tag => Item::Tag,
            },
        });
        Module {
            imports: imports.collect(),
            exports: exports.collect(),
            memory: self.memory,
            toolchain: self.toolchain,
            size: self.size,
            refusal: None,
        }
    }
}

/// Where the structure breaks, and how.
struct Broken {
    at: usize,
    reason: String,
}

impl Broken {
    fn new(at: usize, reason: impl Into<String>) -> Broken {
        Broken { at, reason: reason.into() }
    }
}

impl From<BinaryReaderError> for Broken {
    fn from(error: BinaryReaderError) -> Broken {
        Broken::new(error.offset(), error.message())
    }
}

fn signature(kind: &FuncType) -> String {
    let list = |types: &[ValType]| match types.len() > MAX_SPELT {
        true => format!("{} values", types.len()),
        false => types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    match kind.results() {
        [one] => format!("({}) -> {one}", list(kind.params())),
        results => format!("({}) -> ({})", list(kind.params()), list(results)),
    }
}

fn bounded<T>(section: &SectionLimited<'_, T>, most: u32, what: &str) -> Result<(), Broken> {
    match section.count() > most {
        true => Err(Broken::new(section.range().start, format!("more than {most} {what}"))),
        false => Ok(()),
    }
}

/// Reads every item, so that the section is known to end where it says.
fn exhaust<'a, T: FromReader<'a>>(section: SectionLimited<'a, T>) -> Result<(), Broken> {
    Ok(section.into_iter().try_for_each(|item| item.map(|_| ()))?)
}

/// Reads a function's locals and checks that its last byte can be the `end` of it.
///
/// The instructions between stay undecoded: they decide neither where the module ends nor what it imports, the engine
/// validates them before it compiles, and decoding takes ten times as long as everything else here.
fn framed(body: &FunctionBody<'_>) -> Result<(), Broken> {
    let instructions = body.get_binary_reader_for_operators()?;
    match body.as_bytes() {
        [.., END] if instructions.bytes_remaining() > 0 => Ok(()),
        _ => Err(Broken::new(body.range().end, "a function does not end with `end`")),
    }
}
