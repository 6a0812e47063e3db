//! What a file says that is to be executed on the host. Nothing is run. aegis-bundle.md §14.2.

/// What is wrong with a library, or worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It cannot be started on the target's host.
    Error(&'static str),
    /// It may not start there.
    Warning(&'static str),
}

const EXECUTABLE: u16 = 2;
const SHARED: u16 = 3;
const INTERPRETER: u32 = 3;
const DYNAMIC: u32 = 2;
const FLAGS_1: u64 = 0x6fff_fffb;
const PIE: u64 = 0x0800_0000;
/// Most program headers that are looked at: Go binaries have about ten.
const MOST_HEADERS: usize = 128;

/// The machine of an architecture in Go's names, and whether it has 64 bits.
fn machine(arch: &str) -> Option<(u16, bool)> {
    Some(match arch {
        "amd64" => (62, true),
        "arm64" => (183, true),
        "386" => (3, false),
        "arm" => (40, false),
        "riscv64" => (243, true),
        "ppc64le" => (21, true),
        "s390x" => (22, true),
        "loong64" => (258, true),
        _ => return None,
    })
}

/// Looks at a library for an architecture in Go's names.
pub fn examine(bytes: &[u8], arch: &str) -> Vec<Finding> {
    if bytes.starts_with(b"#!") {
        return vec![Finding::Error("it is a script; the host starts executables alone")];
    }
    if !bytes.starts_with(b"\x7fELF") {
        return vec![Finding::Error("it is not an ELF executable: build it with GOOS=linux")];
    }
    let Some((wanted, is_64)) = machine(arch) else { return Vec::new() };
    let is_little = arch != "s390x";
    if bytes.get(4) != Some(&if is_64 { 2 } else { 1 }) || bytes.get(5) != Some(&if is_little { 1 } else { 2 }) {
        return vec![Finding::Error("it is an ELF file for another word size or byte order than the target's")];
    }
    if !(is_64 && is_little) {
        return Vec::new();
    }
    let Some(found) = u16_at(bytes, 18) else { return vec![Finding::Error("its ELF header is cut")] };
    if found != wanted {
        return vec![Finding::Error("it is built for another architecture than the target's")];
    }
    let kind = u16_at(bytes, 16).unwrap_or_default();
    let interpreter = headers(bytes).any(|header| u32_at(header, 0) == Some(INTERPRETER));
    let mut found = Vec::new();
    match kind {
        EXECUTABLE => {}
        SHARED if interpreter || is_static_pie(bytes) => {}
        SHARED => {
            found.push(Finding::Error("it is a shared object, not an executable: build without -buildmode=plugin"))
        }
        _ => found.push(Finding::Error("it is neither an executable nor a shared object")),
    }
    if interpreter {
        found.push(Finding::Warning(
            "it is dynamically linked: it needs the C library of the machine that built it; build with CGO_ENABLED=0",
        ));
    }
    found
}

/// The program headers of a 64-bit little-endian file.
fn headers(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let offset = u64_at(bytes, 32).and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX);
    let (size, count) = (u16_at(bytes, 54).unwrap_or_default(), u16_at(bytes, 56).unwrap_or_default());
    let size = usize::from(size);
    (0..usize::from(count).min(MOST_HEADERS)).filter_map(move |index| {
        let start = offset.checked_add(index * size)?;
        bytes.get(start..start.checked_add(size)?).filter(|header| header.len() >= 56)
    })
}

/// A position-independent executable says so in its dynamic section.
fn is_static_pie(bytes: &[u8]) -> bool {
    let Some(dynamic) = headers(bytes).find(|header| u32_at(header, 0) == Some(DYNAMIC)) else { return false };
    let range = u64_at(dynamic, 8).zip(u64_at(dynamic, 32));
    let range = range
        .and_then(|(start, size)| Some(usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?));
    let entries = range.and_then(|range| bytes.get(range)).unwrap_or_default();
    entries
        .as_chunks::<16>()
        .0
        .iter()
        .take(4096)
        .any(|entry| u64_at(entry, 0) == Some(FLAGS_1) && u64_at(entry, 8).is_some_and(|flags| flags & PIE != 0))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one program header.
    fn elf(machine: u16, kind: u16, header: u32, dynamic: &[u64]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(120, 0);
        file[16..18].copy_from_slice(&kind.to_le_bytes());
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64..68].copy_from_slice(&header.to_le_bytes());
        file[72] = 120;
        file[96] = (dynamic.len() * 8) as u8;
        file.extend(dynamic.iter().flat_map(|word| word.to_le_bytes()));
        file
    }

    #[test] // aegis-bundle.md §14.2
    fn a_library_is_an_executable_for_the_targets_architecture() {
        use Finding::{Error, Warning};
        let is = |bytes: &[u8], arch| match examine(bytes, arch).as_slice() {
            [] => "good",
            [Error(_)] => "error",
            [Warning(_)] => "warning",
            _ => "several",
        };
        for (bytes, arch, expected) in [
            (elf(62, 2, 1, &[]), "amd64", "good"),
            (elf(183, 2, 1, &[]), "arm64", "good"),
            (elf(183, 2, 1, &[]), "amd64", "error"),
            (elf(62, 2, 3, &[]), "amd64", "warning"),
            (elf(62, 3, 3, &[]), "amd64", "warning"),
            (elf(62, 3, 2, &[FLAGS_1, PIE]), "amd64", "good"),
            (elf(62, 3, 2, &[1, PIE, FLAGS_1, 1]), "amd64", "error"),
            (elf(62, 3, 1, &[]), "amd64", "error"),
            (elf(62, 1, 1, &[]), "amd64", "error"),
            (elf(62, 2, 1, &[]), "386", "error"),
            (b"#!/bin/sh\n".to_vec(), "amd64", "error"),
            (b"MZ".to_vec(), "amd64", "error"),
            (b"\x7fELF".to_vec(), "amd64", "error"),
            (b"\x7fELF\x02\x01".to_vec(), "amd64", "error"),
        ] {
            assert_eq!(is(&bytes, arch), expected, "{arch} {bytes:?}");
        }
    }
}
