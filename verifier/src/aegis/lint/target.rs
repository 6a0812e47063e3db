//! The targets of a manifest. aegis-bundle.md §3.7, §3.8, §4.

use std::collections::BTreeSet;

use super::object::Object;
use super::{CheckedTarget, Checksums, Findings, PLACEHOLDER};
use crate::aegis::manifest::{CAPABILITIES, TARGET_MEMBERS};
use crate::aegis::rules::{
    CAPABILITY_BLANK, CAPABILITY_CONNECTOR, CAPABILITY_LEGACY, CAPABILITY_REPEATED, CAPABILITY_UNKNOWN,
    LIBRARY_BASENAME, LIBRARY_PATH, LIBRARY_SECRET_NAME, LIBRARY_ZIP_SUFFIX, SCHEMA_TYPE, SHA256_CASE, SHA256_FORMAT,
    TARGET_API_VERSION, TARGET_API_VERSION_FALLBACK, TARGET_ARCH, TARGET_ARCH_RARE, TARGET_OS, TARGETS_DUPLICATE,
    TEXT_PADDING,
};
use crate::aegis::{HOST_API_VERSION, Kind, METADATA, path};
use crate::text::json::tape::{self, Value};
use crate::text::quote::Quoted;

/// Go's names of architectures that a host may have, though none is published for them. aegis-bundle.md §3.7.
const RARE: [&str; 6] = ["386", "arm", "riscv64", "ppc64le", "s390x", "loong64"];

/// What makes two targets equal, and a newer one replaceable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    os: String,
    arch: String,
    version: i64,
    capabilities: Vec<String>,
}

pub(super) fn check(list: Value<'_>, kind: Kind, checksums: Checksums, findings: &mut Findings) -> Vec<CheckedTarget> {
    let mut targets = Vec::new();
    let mut keys: Vec<(Key, Value<'_>, Value<'_>)> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in list.items() {
        if value.kind() != tape::Kind::Object {
            findings.of(SCHEMA_TYPE, value, "a target is an object");
            continue;
        }
        let mut object = Object { value, findings };
        object.names(&TARGET_MEMBERS);
        let version = version(&mut object);
        let os = system(&mut object);
        let arch = architecture(&mut object);
        let capabilities = capabilities(&mut object, kind);
        let (sha256, open) = checksum(&mut object, checksums);
        let library = library(&mut object);
        if let (Some((version, written)), Some(os), Some(arch)) = (version, os.clone(), arch.clone()) {
            let key = Key { os, arch, version, capabilities: names(&capabilities) };
            if !seen.insert(key.clone()) {
                let message = "another target has the same system, architecture, API version and capabilities";
                findings.at(TARGETS_DUPLICATE, value.at().start..value.at().start + 1, message);
            }
            keys.push((key, value, written));
        }
        if let (Some(library), Some(os), Some(arch)) = (library, os, arch) {
            let at = findings.place(value.at());
            targets.push(CheckedTarget { library, sha256, open, os, arch, capabilities, at });
        }
    }
    for (key, _, written) in &keys {
        if key.version > HOST_API_VERSION {
            let is_fallback =
                |other: &Key| other.version == HOST_API_VERSION && (&other.os, &other.arch) == (&key.os, &key.arch);
            let has_fallback = keys.iter().any(|(other, ..)| is_fallback(other));
            let rule = if has_fallback { TARGET_API_VERSION_FALLBACK } else { TARGET_API_VERSION };
            findings.of(rule, *written, format!("hosts have API version 1, not {}", key.version));
        }
    }
    targets
}

fn version<'d>(object: &mut Object<'d, '_>) -> Option<(i64, Value<'d>)> {
    let Some(value) = object.member("min_host_api_version") else {
        object.missing("min_host_api_version");
        return None;
    };
    match value.number().and_then(|number| number.parse::<i64>().ok()) {
        Some(version) if version > 0 => Some((version, value)),
        _ => {
            object.findings.of(SCHEMA_TYPE, value, "\"min_host_api_version\" must be an integer from 1");
            None
        }
    }
}

fn system(object: &mut Object<'_, '_>) -> Option<String> {
    let (os, value) = object.required_text("target_os")?;
    if object.plain(&os, value) && os != "linux" {
        object.findings.of(TARGET_OS, value, format!("{} is not \"linux\"", Quoted(&os)));
    }
    Some(os.into_owned())
}

fn architecture(object: &mut Object<'_, '_>) -> Option<String> {
    let (arch, value) = object.required_text("target_arch")?;
    if object.plain(&arch, value) && !["amd64", "arm64"].contains(&&*arch) {
        let rule = if RARE.contains(&&*arch) { TARGET_ARCH_RARE } else { TARGET_ARCH };
        object.findings.of(rule, value, format!("{} is not amd64 or arm64", Quoted(&arch)));
    }
    Some(arch.into_owned())
}

/// What makes two lists of capabilities equal: their names, sorted.
fn names(capabilities: &[(String, Range)]) -> Vec<String> {
    let mut names: Vec<String> = capabilities.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names
}

/// The capabilities, trimmed, and where each stands.
fn capabilities(object: &mut Object<'_, '_>, kind: Kind) -> Vec<(String, Range)> {
    let Some(list) = object.list("required_capabilities") else { return Vec::new() };
    let mut names: Vec<(String, Range)> = Vec::new();
    for value in list.items() {
        let Some(name) = value.text() else {
            object.findings.of(SCHEMA_TYPE, value, "a capability must be a string");
            continue;
        };
        let trimmed = name.trim();
        if trimmed.is_empty() {
            object.findings.of(CAPABILITY_BLANK, value, "the capability is blank");
            continue;
        }
        if trimmed != name {
            object.findings.of(TEXT_PADDING, value, format!("{} has blanks around it", Quoted(&name)));
        }
        if names.iter().any(|(other, _)| other == trimmed) {
            object.findings.of(CAPABILITY_REPEATED, value, format!("{} is there twice", Quoted(trimmed)));
        } else if !CAPABILITIES.contains(&trimmed) {
            object.findings.of(CAPABILITY_UNKNOWN, value, format!("no host has {}", Quoted(trimmed)));
        } else if trimmed == CAPABILITIES[0] {
            object.findings.of(CAPABILITY_LEGACY, value, format!("{} gates nothing", Quoted(trimmed)));
        }
        names.push((trimmed.to_owned(), object.findings.place(value.at())));
    }
    if kind == Kind::Connector && !names.is_empty() {
        object.findings.of(CAPABILITY_CONNECTOR, list, "a connector gets no host API and no events");
    }
    names
}

type Range = std::ops::Range<usize>;

/// The checksum, or where the placeholder stands.
fn checksum(object: &mut Object<'_, '_>, checksums: Checksums) -> (Option<(String, Range)>, Option<Range>) {
    let Some((text, value)) = object.required_text("sha256") else { return (None, None) };
    let at = object.findings.place(value.at());
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text == PLACEHOLDER && checksums == Checksums::MayBeOpen {
        return (None, Some(at));
    }
    if !is_hex {
        object.findings.of(SHA256_FORMAT, value, format!("{} is not 64 hex digits", Quoted(&text)));
        return (None, None);
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        object.findings.of(SHA256_CASE, value, "hex digits in upper case");
    }
    (Some((text.to_lowercase(), at)), None)
}

/// The path of the library, when a file can be looked for there. aegis-bundle.md §3.8.
fn library(object: &mut Object<'_, '_>) -> Option<(String, Range)> {
    let (text, value) = object.required_text("library_path")?;
    if !object.plain(&text, value) {
        return None;
    }
    let base = text.rsplit('/').next().unwrap_or_default();
    let wrong = match path::publishable(text.as_bytes()) {
        Err(why) => Some(why),
        Ok(()) if !text.starts_with("bin/") => Some("it is not below bin/"),
        Ok(()) if METADATA.contains(&base) => Some("it has the name of a metadata file"),
        Ok(()) => None,
    };
    if let Some(why) = wrong {
        object.findings.of(LIBRARY_PATH, value, format!("{}: {why}", Quoted(&text)));
        return None;
    }
    if path::is_secret_like(base) {
        object.findings.of(LIBRARY_SECRET_NAME, value, format!("{} looks like a secret", Quoted(base)));
    } else if text.to_ascii_lowercase().ends_with(".zip") {
        object.findings.of(LIBRARY_ZIP_SUFFIX, value, format!("{} ends in .zip", Quoted(base)));
    } else if path::sanitized(base) != base {
        let stored = path::sanitized(base);
        object.findings.of(
            LIBRARY_BASENAME,
            value,
            format!("{} becomes {} on the host", Quoted(base), Quoted(&stored)),
        );
    }
    let at = object.findings.place(value.at());
    Some((text.into_owned(), at))
}
