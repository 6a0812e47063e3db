//! A directory that plays what was pushed.
//!
//! Of a git work tree: its commits, branches and tags, read at the start; commits and branches again whenever a request
//! names one that is not known. Tags change later only by what clients and tests do. Of any directory: its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aileron_cli::publisher::forge::model::{Commits, Operation, Repository, TagRef};

pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn new(root: PathBuf) -> Tree {
        Tree { root }
    }

    /// Everything there is, tags included. A directory without git knows every commit.
    pub(super) fn push(&self, repository: &mut Repository) -> io::Result<()> {
        if !self.root.is_dir() {
            return Err(io::Error::other(format!("{} is not a directory", self.root.display())));
        }
        self.commits(repository);
        for (name, tag) in self.tags() {
            repository.tags.entry(name).or_insert(tag);
        }
        Ok(())
    }

    /// What the request is going to look at, as it is now.
    pub(super) fn prepare(&self, operation: &Operation, repository: &mut Repository) {
        let target = |fields: &serde_json::Value| fields["target_commitish"].as_str().map(str::to_owned);
        let commit = match operation {
            Operation::RawFile(path) | Operation::Contents { path, .. } => return self.file(path, repository),
            Operation::CreateRelease(fields) | Operation::UpdateRelease(_, fields) => target(fields),
            Operation::Commit(name) | Operation::GitCommit(name) => Some(name.clone()),
            _ => None,
        };
        if commit.is_some_and(|commit| repository.resolve(&commit).is_none()) {
            self.commits(repository);
        }
    }

    fn file(&self, path: &str, repository: &mut Repository) {
        let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
        match inside.then(|| std::fs::read(self.root.join(path))) {
            Some(Ok(bytes)) => repository.files.insert(path.to_owned(), bytes),
            _ => repository.files.remove(path),
        };
    }

    fn commits(&self, repository: &mut Repository) {
        let Some(all) = self.git(&["rev-list", "--all", "HEAD"]) else { return };
        let commits: BTreeSet<String> = all.lines().map(str::to_owned).collect();
        if let Some(branch) = self.git(&["symbolic-ref", "--short", "HEAD"]) {
            repository.default_branch = branch.trim().to_owned();
        }
        if let Some(refs) = self.git(&["for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/heads"]) {
            let pair = |line: &str| line.split_once(' ').map(|(name, sha)| (name.to_owned(), sha.to_owned()));
            repository.branches = refs.lines().filter_map(pair).collect();
        }
        if let Some(head) = self.git(&["rev-parse", "HEAD"]) {
            let tip = head.trim().to_owned();
            repository.branches.entry(repository.default_branch.clone()).or_insert(tip);
        }
        repository.touches_workflows = self.workflows(&commits, repository);
        repository.commits = Commits::These(commits);
    }

    /// Commits whose workflows are not the default branch's.
    fn workflows(&self, commits: &BTreeSet<String>, repository: &Repository) -> BTreeSet<String> {
        let Some(tip) = repository.branches.get(&repository.default_branch) else { return BTreeSet::new() };
        let names: Vec<&str> = std::iter::once(tip.as_str()).chain(commits.iter().map(String::as_str)).collect();
        let asked: String = names.iter().map(|name| format!("{name}:.github/workflows\n")).collect();
        let Some(found) = self.git_with(&["cat-file", "--batch-check=%(objectname)"], &asked) else {
            return BTreeSet::new();
        };
        let tree = |line: &str| if line.ends_with(" missing") { String::new() } else { line.to_owned() };
        let mut trees = found.lines().map(tree);
        let usual = trees.next().unwrap_or_default();
        names[1..].iter().zip(trees).filter(|(_, tree)| *tree != usual).map(|(name, _)| (*name).to_owned()).collect()
    }

    fn tags(&self) -> BTreeMap<String, TagRef> {
        let format = "--format=%(refname:strip=2) %(objecttype) %(objectname)";
        let refs = self.git(&["for-each-ref", format, "refs/tags"]).unwrap_or_default();
        let mut ways: BTreeMap<String, (String, String, Vec<String>)> = BTreeMap::new();
        for line in refs.lines() {
            let mut words = line.split(' ').map(str::to_owned);
            if let (Some(name), Some(kind), Some(object)) = (words.next(), words.next(), words.next()) {
                ways.insert(name, (kind, object, Vec::new()));
            }
        }
        // One level of tag objects after the other.
        while ways.values().any(|(kind, ..)| kind == "tag") {
            let asked: Vec<String> =
                ways.values().filter(|(kind, ..)| kind == "tag").map(|(_, object, _)| object.clone()).collect();
            let targets = self.targets(&asked);
            for (kind, object, way) in ways.values_mut().filter(|(kind, ..)| kind == "tag") {
                way.push(object.clone());
                (*kind, *object) = targets.get(object).cloned().unwrap_or_default();
            }
        }
        ways.into_iter().map(|(name, (_, object, way))| (name, TagRef::annotated(object, way))).collect()
    }

    /// Kind and name of what tag objects point to: the first two lines of each.
    fn targets(&self, objects: &[String]) -> BTreeMap<String, (String, String)> {
        let asked: String = objects.iter().map(|object| format!("{object}\n")).collect();
        let answer = self.git_with(&["cat-file", "--batch"], &asked).unwrap_or_default();
        let mut rest = answer.as_str();
        let mut targets = BTreeMap::new();
        // `<name> tag <size>`, so many bytes, a line break.
        while let Some((head, tail)) = rest.split_once('\n') {
            let mut words = head.split(' ');
            let (name, size) = (words.next().unwrap_or_default(), words.next_back().and_then(|size| size.parse().ok()));
            let Some(body) = size.and_then(|size: usize| tail.get(..size)) else { break };
            let mut lines = body.lines();
            let object = lines.next().and_then(|line| line.strip_prefix("object "));
            let kind = lines.next().and_then(|line| line.strip_prefix("type "));
            if let (Some(object), Some(kind)) = (object, kind) {
                targets.insert(name.to_owned(), (kind.to_owned(), object.to_owned()));
            }
            rest = tail.get(body.len() + 1..).unwrap_or_default();
        }
        targets
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        self.git_with(arguments, "")
    }

    /// What git says; `None` where there is no git, no repository, or no answer.
    fn git_with(&self, arguments: &[&str], input: &str) -> Option<String> {
        if !self.root.join(".git").exists() {
            return None; // a directory inside some other work tree is not that work tree
        }
        let mut child = Command::new("git")
            .arg("-C")
            .arg(&self.root)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut stdin = child.stdin.take()?;
        let input = input.to_owned();
        // From another thread: git answers while it still reads.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().ok()?;
        let _ = writer.join();
        output.status.success().then(|| String::from_utf8(output.stdout).ok())?
    }
}
