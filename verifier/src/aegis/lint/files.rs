//! The files of a bundle against their manifest, and the container they came in. aegis-bundle.md §2, §12.3, §14.2.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{Checked, CheckedTarget};
use crate::aegis::elf::{self, Finding};
use crate::aegis::rules::{
    DEFINITION_ID_UNSEEN, LIBRARY_ELF, LIBRARY_ELF_DYNAMIC, LIBRARY_ELF_STRANGER, LIBRARY_MISSING, LIBRARY_SECRET_NAME,
    SHA256_MISMATCH, SIZE_ENTRY, SIZE_TOTAL, SIZE_ZIP, ZIP_ENTRIES, ZIP_EXTRA, ZIP_LAYOUT, ZIP_LINK, ZIP_METADATA,
    ZIP_METHOD, ZIP_PATH,
};
use crate::aegis::upload::hex;
use crate::aegis::zip::strict::Irregular;
use crate::aegis::{
    Kind, MANIFEST, METADATA, MOST_ENTRIES, PUBLIC_KEY, READ_ALLOWANCE, SIGNATURE, WRAPPER, path, trim,
};
use crate::problem::{Problem, Rule, Source};
use crate::text::quote::Quoted;

/// The files of a bundle, from an archive or a staging directory.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// How the bundle is called in problems: the archive's name, or the directory's.
    pub name: &'a str,
    /// By name, as they would be in the archive.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The size of the archive, where it is one.
    pub zip_size: Option<u64>,
    /// The upload limit of the hosts that are meant.
    pub limit: u64,
}

impl Bundle<'_> {
    /// Everything that is wrong with the files, given their checked manifest.
    pub fn check(&self, checked: &Checked) -> Vec<Problem> {
        let mut found = self.names();
        self.sizes(checked, &mut found);
        // Each is hashed and searched whole.
        let libraries: Vec<Vec<Problem>> =
            checked.targets.par_iter().map(|target| self.library(checked, target)).collect();
        found.extend(libraries.into_iter().flatten());
        found
    }

    fn problem(&self, file: &str, rule: &'static Rule, message: impl Into<String>) -> Problem {
        Source::new(format!("{}/{file}", self.name), "").problem(rule, 0..0, message)
    }

    /// Which files there are: §12.3, and all or none of the signing files.
    fn names(&self) -> Vec<Problem> {
        let mut found: Vec<Problem> = Vec::new();
        for name in self.files.keys() {
            if let Err((rule, message)) = staged(name) {
                found.push(self.problem(name, rule, message));
            }
        }
        if self.files.len() > MOST_ENTRIES {
            let message = format!("{} files; at most {MOST_ENTRIES} are read", self.files.len());
            found.push(self.problem("", ZIP_ENTRIES, message));
        }
        if !self.files.contains_key(MANIFEST) {
            found.push(self.problem(MANIFEST, ZIP_METADATA, "manifest.json is missing"));
        }
        let is_there = |name: &&str| self.files.get(*name).is_some_and(|file| !trim(file).is_empty());
        let (there, missing): (Vec<&str>, Vec<&str>) = [WRAPPER, SIGNATURE, PUBLIC_KEY].into_iter().partition(is_there);
        if !there.is_empty() && !missing.is_empty() {
            let message = format!("{} without {}", there.join(", "), missing.join(", "));
            found.push(self.problem(there[0], ZIP_METADATA, message));
        }
        found
    }

    fn sizes(&self, checked: &Checked, found: &mut Vec<Problem>) {
        let size = |name: &str| self.files.get(name).map_or(0, |file| file.len() as u64);
        for name in self.files.keys().filter(|name| size(name) > self.limit) {
            let message = format!("{} bytes; hosts take {} at most", size(name), self.limit);
            found.push(self.problem(name, SIZE_ENTRY, message));
        }
        let metadata: u64 = METADATA.iter().map(|name| size(name)).sum();
        let budget = self.limit.saturating_add(READ_ALLOWANCE);
        for target in &checked.targets {
            let total = metadata + size(&target.library.0);
            if total > budget && size(&target.library.0) <= self.limit {
                let message = format!("with the metadata {total} bytes; hosts read {budget} at most");
                found.push(checked.source.problem(SIZE_TOTAL, target.library.1.clone(), message));
            }
        }
        if let Some(zip) = self.zip_size.filter(|zip| *zip > self.limit) {
            let message = format!("{zip} bytes; hosts take {} at most", self.limit);
            found.push(Source::new(self.name, "").problem(SIZE_ZIP, 0..0, message));
        }
    }

    /// One target's file: there, the one that the checksum is of, and startable.
    fn library(&self, checked: &Checked, target: &CheckedTarget) -> Vec<Problem> {
        let mut found = Vec::new();
        let (name, at) = &target.library;
        let mut push = |rule, at: &std::ops::Range<usize>, message: String| {
            found.push(checked.source.problem(rule, at.clone(), message));
        };
        let Some(bytes) = self.files.get(name) else {
            push(LIBRARY_MISSING, at, format!("{} is not in the bundle", Quoted(name)));
            return found;
        };
        if let Some((wanted, at)) = &target.sha256 {
            let actual = hex(&Sha256::digest(bytes));
            if *wanted != actual {
                push(SHA256_MISMATCH, at, format!("{} has {actual}", Quoted(name)));
            }
        }
        for finding in elf::examine(bytes, &target.arch) {
            match finding {
                Finding::Error(why) => push(LIBRARY_ELF, at, format!("{}: {why}", Quoted(name))),
                Finding::Warning(why) => push(LIBRARY_ELF_DYNAMIC, at, format!("{}: {why}", Quoted(name))),
            }
        }
        if !bytes.starts_with(b"\x7fELF") {
            return found;
        }
        if let Some(why) = stranger(bytes, checked.kind) {
            push(LIBRARY_ELF_STRANGER, at, format!("{}: {why}", Quoted(name)));
        }
        let id = &checked.id.0;
        if !id.is_empty() && !contains(bytes, id) {
            push(DEFINITION_ID_UNSEEN, at, format!("{} does not have the text {}", Quoted(name), Quoted(id)));
        }
        found
    }
}

/// Why an executable does not look like an extension of its kind: it answers to the host's cookie of another one, or to none.
/// aegis-bundle.md §14.2.
fn stranger(bytes: &[u8], kind: Kind) -> Option<&'static str> {
    let other = if kind == Kind::Plugin { Kind::Connector } else { Kind::Plugin };
    if contains(bytes, kind.cookie()) {
        return None;
    }
    Some(match (kind, contains(bytes, other.cookie())) {
        (Kind::Plugin, true) => {
            "it is a connector's executable: main calls connectorrpc.Serve, the manifest is a plugin's"
        }
        (Kind::Connector, true) => {
            "it is a plugin's executable: main calls pluginrpc.Serve, the manifest is a connector's"
        }
        (Kind::Plugin, false) => "it does not have the text AEGIS_NATIVE_PLUGIN: does main call pluginrpc.Serve?",
        (Kind::Connector, false) => {
            "it does not have the text AEGIS_NATIVE_CONNECTOR: does main call connectorrpc.Serve?"
        }
    })
}

fn contains(bytes: &[u8], wanted: &str) -> bool {
    memchr::memmem::find(bytes, wanted.as_bytes()).is_some()
}

/// Whether a file of this name belongs into a bundle: metadata at the root, anything below `bin/`, nothing that looks like a
/// secret. aegis-bundle.md §12.3, 2 to 5.
///
/// # Errors
/// The rule, and what is wrong.
pub fn staged(name: &str) -> Result<(), (&'static Rule, String)> {
    let base = name.rsplit('/').next().unwrap_or_default();
    if let Err(why) = path::publishable(name.as_bytes()) {
        return Err((ZIP_PATH, format!("{}: {why}", Quoted(name))));
    }
    if path::is_secret_like(base) {
        return Err((LIBRARY_SECRET_NAME, format!("{} looks like a secret or private key", Quoted(name))));
    }
    if METADATA.contains(&base) {
        return if base == name {
            Ok(())
        } else {
            Err((ZIP_METADATA, format!("{} must stand at the root, not at {}", base, Quoted(name))))
        };
    }
    if name.starts_with("bin/") {
        return Ok(());
    }
    Err((ZIP_EXTRA, format!("{} is neither metadata nor below bin/", Quoted(name))))
}

/// A container that is not regular, as a problem of the archive.
pub fn irregular(name: &str, why: &Irregular) -> Problem {
    let rule = match why {
        Irregular::NotAZip(_) | Irregular::Header { .. } | Irregular::Layout(_) | Irregular::Unreadable { .. } => {
            ZIP_LAYOUT
        }
        Irregular::Entries(_) => ZIP_ENTRIES,
        Irregular::Name { .. } | Irregular::Twins(..) => ZIP_PATH,
        Irregular::Link(_) => ZIP_LINK,
        Irregular::Method { .. } => ZIP_METHOD,
        Irregular::Size { .. } => SIZE_ENTRY,
    };
    Source::new(name, "").problem(rule, 0..0, why.to_string())
}
