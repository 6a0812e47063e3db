//! The skeletons that `aileron-pub init`, `aileron-pub unit init` and `aileron-pub aegis init` copy.
//!
//! Data only: the trees beside this file, embedded when this crate is compiled. Rendering and writing belong to the
//! caller. What every language has is in `common`; a language's own tree has its connector. Every file is stored with `.j2`
//! at the end, so that neither cargo nor go nor git takes a stored `go.mod` or `.gitignore` for its own. Paths and contents
//! are minijinja templates; a path with `{{op.…}}` in it stands for one file for each operation.

use include_dir::{Dir, include_dir};

static COMMON: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/common");
static GO: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/go");
static RUST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rust");
static ZIG: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/zig");
static WAT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/wat");
static UNIT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/unit");
static AEGIS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/aegis");

/// Every skeleton: its name, and the tree with its connector. TinyGo's sources are Go's.
static TREES: [(Template, &Dir<'static>); 5] = [
    (Template("go"), &GO),
    (Template("tinygo"), &GO),
    (Template("rust"), &RUST),
    (Template("zig"), &ZIG),
    (Template("wat"), &WAT),
];

/// A skeleton, by the name of the toolchain its connector is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template(&'static str);

impl Template {
    /// Every skeleton there is.
    pub fn all() -> impl Iterator<Item = Template> {
        TREES.iter().map(|(template, _)| *template)
    }

    /// The skeleton of this name; one that does not exist has no files.
    pub const fn of(name: &'static str) -> Template {
        Template(name)
    }

    /// As it is written on a command line.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The files to render, `.j2` taken off: path relative to the repository, `/`-separated, and text.
    pub fn files(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let mut files = Vec::new();
        if let Some((_, own)) = TREES.iter().find(|(template, _)| *template == self) {
            collect(&COMMON, &mut files);
            collect(own, &mut files);
        }
        files.into_iter()
    }
}

/// The skeleton of a Feature that carries a CLI-capability unit, as [`Template::files`]. cli-unit.md §12.2.
pub fn unit() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files = Vec::new();
    collect(&UNIT, &mut files);
    files.into_iter()
}

/// The skeleton of a Squad Aegis extension, as [`Template::files`]: all that is in these trees together. One that does not
/// exist has no files. aegis-bundle.md §13.
pub fn aegis(trees: &[&str]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files = Vec::new();
    for (tree, dir) in trees.iter().filter_map(|tree| Some((*tree, AEGIS.get_dir(tree)?))) {
        let from = files.len();
        collect(dir, &mut files);
        // Paths are relative to what was embedded, not to the tree.
        files[from..].iter_mut().for_each(|(path, _)| *path = path[tree.len()..].trim_start_matches('/'));
    }
    files.into_iter()
}

fn collect(dir: &Dir<'static>, files: &mut Vec<(&'static str, &'static str)>) {
    files.extend(
        dir.files().filter_map(|file| Some((file.path().to_str()?.strip_suffix(".j2")?, file.contents_utf8()?))),
    );
    dir.dirs().for_each(|dir| collect(dir, files));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_file_is_embedded_under_its_own_name() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let on_disk = |tree: &str| {
            let mut found = Vec::new();
            walk(&root.join(tree), &root.join(tree), &mut found);
            found
        };
        for template in Template::all() {
            let own = if template.as_str() == "tinygo" { "go" } else { template.as_str() };
            let mut on_disk = [on_disk("common"), on_disk(own)].concat();
            let mut embedded: Vec<_> = template.files().map(|(path, _)| format!("{path}.j2")).collect();
            on_disk.sort();
            embedded.sort();
            assert_eq!(embedded, on_disk, "{template:?}");
        }
        let mut embedded: Vec<_> = unit().map(|(path, _)| format!("{path}.j2")).collect();
        embedded.sort();
        let mut stored = on_disk("unit");
        stored.sort();
        assert_eq!(embedded, stored);
        for tree in on_disk("aegis").iter().filter_map(|path| path.split('/').next()) {
            let mut embedded: Vec<_> = aegis(&[tree]).map(|(path, _)| format!("{path}.j2")).collect();
            embedded.sort();
            let mut stored = on_disk(&format!("aegis/{tree}"));
            stored.sort();
            assert_eq!(embedded, stored, "{tree}");
        }
    }

    fn walk(root: &std::path::Path, dir: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => walk(root, &entry.path(), found),
                false => found.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")),
            }
        }
    }
}
