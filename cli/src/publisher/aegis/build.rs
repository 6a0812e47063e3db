//! A repository becomes the files of a bundle: every target's executable, and the manifest with their checksums.
//!
//! Built in a copy of what git knows or does not ignore, by the user's own go without the user's settings; so the same sources
//! give the same bytes wherever they lie. The repository itself stays as it is. aegis-bundle.md §12.1, §13, §14.2.

#![expect(clippy::disallowed_methods, reason = "a build works in a temporary copy of its own")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use aileron_verifier::aegis::MANIFEST;
use aileron_verifier::aegis::lint::{self, Checked, CheckedTarget, Checksums};
use rayon::iter::IntoParallelRefIterator as _;

use super::check::{self, Findings};
use super::{AegisError, checksums, staging};
use crate::event::{Event, Listener};
use crate::publisher::build::{
    self, Asked, BuildError, GO_SOURCES, GoPlace, NEUTRAL_FLAGS, WITHOUT_SYMBOLS, is_passed_over,
};
use crate::publisher::source::{LeftOut, SourceTree, TreePath, WorkTree};
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::process::Spawner;

/// A C library would tie the executable to the machine that built it.
const NO_CGO: (&str, &str) = ("CGO_ENABLED", "0");
/// go may not change `go.mod`; what is missing there is an error.
const READ_ONLY: &str = "-mod=readonly";
/// The same where the repository brings its modules along.
const VENDORED: &str = "-mod=vendor";

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct BuildRequest<'a> {
    /// The repository: `go.mod` and `manifest.json`.
    pub repository: &'a Path,
    /// Targets as `linux/arm64`; none for all of the manifest's.
    pub targets: &'a [String],
    /// The main package, as go names it; without it there must be one.
    pub package: Option<&'a str>,
    /// Keep the symbol table.
    pub keep_symbols: bool,
    /// The upload limit of the hosts that are meant.
    pub limit: u64,
    /// Where results go, if that is in the repository: what lies there is no source.
    pub out: Option<&'a Path>,
}

/// The files of a bundle, and what made them.
#[derive(Debug)]
pub struct Built {
    /// By their names in a bundle.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was built for each target.
    pub targets: Vec<BuiltTarget>,
    /// go's release: `go1.26.0`.
    pub toolchain: String,
    /// Settings and flags that decide the bytes, beside system and architecture.
    pub flags: Vec<String>,
    /// The main package: `.`, `./cmd/hello`.
    pub package: String,
    /// The modules that are part of it.
    pub modules: Vec<UsedModule>,
    /// How many checksums were filled in.
    pub filled: usize,
    /// Warnings, those of the repository first.
    pub findings: Findings,
}

/// An executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltTarget {
    /// `linux/arm64`.
    pub target: String,
    /// Its name in the bundle.
    pub library: String,
    /// Its bytes.
    pub size: usize,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// A module that go put into an executable, as the executable says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedModule {
    /// `github.com/hashicorp/go-plugin`.
    pub path: String,
    /// `v1.7.0`.
    pub version: String,
    /// What was taken in its place, if anything.
    pub replaced_by: Option<String>,
}

/// Builds.
///
/// # Errors
/// [`AegisError`].
pub fn build(request: &BuildRequest<'_>, spawner: Spawner<'_>, listener: Listener<'_>) -> Result<Built, AegisError> {
    if !check::is_repository(request.repository) {
        return Err(AegisError::NoModule(request.repository.to_owned()));
    }
    let (checked, findings) = check::repository(request.repository)?;
    if findings.errors().next().is_some() {
        return Err(AegisError::Broken { findings: Box::new(findings), step: "building" });
    }
    let chosen = chosen(&checked, request.targets)?;
    let directory = disk::temporary_directory()?;
    let copy = disk::canonical(directory.path())?.join("source");
    let left_out = copy_sources(request, &copy, spawner)?;
    let place = GoPlace { copy: &copy, base: &copy, instead: "" };
    let compiled = compile(request, place, &chosen, directory.path(), spawner, listener);
    let compiled = compiled.map_err(|error| build::explained(error, &left_out))?;
    staged(request, &checked, &chosen, compiled, findings)
}

/// The targets that are asked for; all of the manifest's where none is.
fn chosen<'c>(checked: &'c Checked, wanted: &[String]) -> Result<Vec<&'c CheckedTarget>, AegisError> {
    let is_there = |name: &String| checked.targets.iter().any(|target| name_of(target) == *name);
    if let Some(wanted) = wanted.iter().find(|name| !is_there(name)) {
        let there: BTreeSet<String> = checked.targets.iter().map(name_of).collect();
        let there = there.into_iter().collect::<Vec<_>>().join(", ");
        return Err(AegisError::NoTarget { wanted: wanted.clone(), there });
    }
    Ok(checked.targets.iter().filter(|target| wanted.is_empty() || wanted.contains(&name_of(target))).collect())
}

fn name_of(target: &CheckedTarget) -> String {
    format!("{}/{}", target.os, target.arch)
}

/// Copies what git knows or does not ignore, without what earlier runs made.
fn copy_sources(request: &BuildRequest<'_>, copy: &Path, spawner: Spawner<'_>) -> Result<Vec<LeftOut>, AegisError> {
    let root = disk::canonical(request.repository)?;
    let out = request.out.and_then(|out| Some(disk::canonical(out.parent()?).ok()?.join(out.file_name()?)));
    let is_made =
        |path: &TreePath| out.as_deref().zip(path.on_disk(&root)).is_some_and(|(out, file)| file.starts_with(out));
    let is_source = |path: &TreePath| {
        let name = path.names().last().unwrap_or_default();
        !is_passed_over(path) && GO_SOURCES.iter().any(|end| name.ends_with(end.as_bytes()))
    };
    let files = SourceTree::Work(WorkTree::open(request.repository));
    fs::create_dir(copy).map_err(DiskError::at(Operation::CreateDirectory, copy))?;
    Ok(build::copy(&files, copy, |path| !is_made(path), is_source, spawner)?)
}

/// What go made, before it is looked at.
struct Compiled {
    /// By `os/arch`.
    binaries: BTreeMap<String, Vec<u8>>,
    toolchain: String,
    flags: Vec<String>,
    package: String,
    modules: Vec<UsedModule>,
}

/// Where an executable lies, and its bytes.
type OneBuilt = Result<(PathBuf, Vec<u8>), BuildError>;

fn compile(
    request: &BuildRequest<'_>,
    place: GoPlace<'_>,
    chosen: &[&CheckedTarget],
    directory: &Path,
    spawner: Spawner<'_>,
    listener: Listener<'_>,
) -> Result<Compiled, BuildError> {
    let asked = place.ask(spawner)?;
    let mode = if place.copy.join("vendor/modules.txt").is_file() { VENDORED } else { READ_ONLY };
    let mut flags: Vec<&str> = NEUTRAL_FLAGS.to_vec();
    flags.push(mode);
    if !request.keep_symbols {
        flags.push(WITHOUT_SYMBOLS);
    }
    // Two targets may differ in capabilities only: they have one executable.
    let systems: BTreeMap<String, &CheckedTarget> = chosen.iter().map(|target| (name_of(target), *target)).collect();
    let names: Vec<&str> = systems.keys().map(String::as_str).collect();
    let step = format!("building {} with {}", names.join(", "), asked.version);
    listener(Event::Begin { step, total: systems.len() });
    let package = match request.package {
        Some(package) => package.to_owned(),
        None => main_package(place, &asked, mode, spawner)?,
    };
    let one = |name: &str, target: &CheckedTarget| {
        let out = directory.join(name.replace('/', "-"));
        let settings = [("GOOS", target.os.as_str()), ("GOARCH", &target.arch), NO_CGO];
        let command = place.settled(&asked, &settings, spawner).args(["build"]).args(&flags);
        place.run(command.args(["-o".as_ref(), out.as_os_str(), package.as_ref()]))?;
        let binary = fs::read(&out).map_err(DiskError::at(Operation::Read, &out))?;
        listener(Event::Advance);
        Ok::<_, BuildError>((out, binary))
    };
    let one = &one;
    let built: Vec<(String, OneBuilt)> = thread::scope(|scope| {
        let mut running = Vec::new();
        for (name, target) in &systems {
            running.push((name.clone(), scope.spawn(move || one(name, target))));
        }
        let failed = || BuildError::Unidentified { program: "go", detail: "its thread ended early".to_owned() };
        running.into_iter().map(|(name, one)| (name, one.join().unwrap_or_else(|_| Err(failed())))).collect()
    });
    let (mut binaries, mut modules) = (BTreeMap::new(), Vec::new());
    for (name, built) in built {
        let (file, binary) = built?;
        if binaries.is_empty() {
            modules = modules_of(place, &asked, &file, spawner)?;
        }
        binaries.insert(name, binary);
    }
    listener(Event::End { outcome: request.out.map(|out| out.display().to_string()).unwrap_or_default() });
    let settings = std::iter::once(format!("{}={}", NO_CGO.0, NO_CGO.1));
    let flags = settings.chain(flags.into_iter().map(str::to_owned)).collect();
    Ok(Compiled { binaries, toolchain: asked.version, flags, package, modules })
}

/// The one package that is a program, as a path from the module's directory.
fn main_package(place: GoPlace<'_>, asked: &Asked, mode: &str, spawner: Spawner<'_>) -> Result<String, BuildError> {
    const FORMAT: &str = "{{if eq .Name \"main\"}}{{.Dir}}{{end}}";
    let settings = [("GOOS", "linux"), NO_CGO];
    let list = |flags: &[&str], what: &str| {
        let command = place.settled(asked, &settings, spawner).args(["list", "-find", mode, "-f", FORMAT]);
        place.run(command.args(flags).args([what]))
    };
    // A package that cannot be built is none of ours, unless there is no other.
    let listed = list(&["-e"], "./...")?;
    let found: Vec<String> = String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| match Path::new(line).strip_prefix(place.base) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => format!("./{}", below.display()),
            Err(_) => line.to_owned(),
        })
        .collect();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => {
            if let Err(error) = list(&[], ".").map_err(without_cgo)
                && error.to_string().contains(NO_CGO_MEANS)
            {
                return Err(error);
            }
            let advice = "an extension has one main package, whose main function calls Serve";
            Err(BuildError::NotOneProgram { file: "go.mod".to_owned(), found, advice })
        }
        _ => Err(BuildError::NotOneProgram {
            file: "go.mod".to_owned(),
            found,
            advice: "name the extension's with --package, as in --package ./cmd/hello",
        }),
    }
}

/// Why a package whose files all `import "C"` has none left.
const NO_CGO_MEANS: &str = "cgo is off: an extension that needs a C library does not start on a host without it";

/// go does not say why no file is left.
fn without_cgo(error: BuildError) -> BuildError {
    match error {
        BuildError::Failed { program, status, output } if output.contains("build constraints exclude all Go files") => {
            BuildError::Failed { program, status, output: format!("{output}\n{NO_CGO_MEANS}") }
        }
        error => error,
    }
}

/// What an executable says it is made of.
fn modules_of(
    place: GoPlace<'_>,
    asked: &Asked,
    binary: &Path,
    spawner: Spawner<'_>,
) -> Result<Vec<UsedModule>, BuildError> {
    let command = place.settled(asked, &[], spawner).args(["version", "-m"]).args([binary]);
    Ok(modules(&String::from_utf8_lossy(&place.run(command)?.stdout)))
}

/// The `dep` lines of `go version -m`, and the `=>` lines below them.
fn modules(text: &str) -> Vec<UsedModule> {
    let mut modules: Vec<UsedModule> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (&words[..], modules.last_mut()) {
            (["dep", path, version, ..], _) => {
                let (path, version) = ((*path).to_owned(), (*version).to_owned());
                modules.push(UsedModule { path, version, replaced_by: None });
            }
            (["=>", path, version, ..], Some(module)) => module.replaced_by = Some(format!("{path} {version}")),
            _ => {}
        }
    }
    modules
}

/// The files of the bundle, checked as such.
fn staged(
    request: &BuildRequest<'_>,
    checked: &Checked,
    chosen: &[&CheckedTarget],
    compiled: Compiled,
    findings: Findings,
) -> Result<Built, AegisError> {
    let Compiled { binaries, toolchain, flags, package, modules } = compiled;
    let digests = checksums(binaries.par_iter());
    let target = |target: &&CheckedTarget| {
        let name = name_of(target);
        let (size, sha256) = (binaries[&name].len(), digests[name.as_str()].clone());
        BuiltTarget { target: name, library: target.library.0.clone(), size, sha256 }
    };
    let targets: Vec<BuiltTarget> = chosen.iter().map(target).collect();
    let sha256 = |library: &str| Some(targets.iter().find(|target| target.library == library)?.sha256.clone());
    let is_chosen = |target: &CheckedTarget| chosen.iter().any(|other| other.at == target.at);
    let manifest = lint::only(checked, is_chosen, sha256);
    let mut files = BTreeMap::from([(MANIFEST.to_owned(), manifest.into_bytes())]);
    for built in &targets {
        files.insert(built.library.clone(), binaries[&built.target].clone());
    }
    drop(digests);
    drop(binaries);
    let name = request.out.unwrap_or(Path::new("bundle")).display().to_string();
    let made = check::staged(&name, &files, Checksums::Filled, request.limit);
    if made.errors().next().is_some() {
        return Err(AegisError::Broken { findings: Box::new(made), step: "packing what was built" });
    }
    let filled = chosen.iter().filter(|target| target.open.is_some()).count();
    let findings = findings.and(made);
    Ok(Built { files, targets, toolchain, flags, package, modules, filled, findings })
}

/// Builds, and writes the staging directory.
///
/// # Errors
/// [`AegisError`]; the directory is then as it was.
pub fn build_into(
    request: &BuildRequest<'_>,
    out: &Path,
    spawner: Spawner<'_>,
    listener: Listener<'_>,
) -> Result<Built, AegisError> {
    staging::replaceable(out)?;
    let built = build(request, spawner, listener)?;
    staging::write(out, &built.files)?;
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_says_which_modules_it_is_made_of() {
        let text = "/tmp/x: go1.26.8\n\tpath\texample.com/hello\n\tmod\texample.com/hello\t(devel)\t\n\
                    \tdep\tgithub.com/hashicorp/go-plugin\tv1.7.0\th1:abc=\n\
                    \tdep\tgo.codycody31.dev/squad-aegis\tv0.0.0\n\t=>\t./sdk\t(devel)\t\n\tbuild\t-trimpath=true\n";
        let plain = |path: &str, version: &str, replaced_by: Option<&str>| UsedModule {
            path: path.to_owned(),
            version: version.to_owned(),
            replaced_by: replaced_by.map(str::to_owned),
        };
        let expected = [
            plain("github.com/hashicorp/go-plugin", "v1.7.0", None),
            plain("go.codycody31.dev/squad-aegis", "v0.0.0", Some("./sdk (devel)")),
        ];
        assert_eq!(modules(text), expected);
        assert_eq!(modules("/tmp/x: not a Go executable\n"), []);
    }
}
