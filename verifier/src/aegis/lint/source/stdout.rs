//! What is printed on standard output before the handshake. aegis-bundle.md §13, §19.1.
//!
//! Looked at: `init` of the package, `main` up to `Serve`, and the functions of the package that are called there. A branch
//! that leaves (`--version`) never gets to `Serve`, so what it prints does no harm; a function that is only handed on does not
//! run there.

use std::collections::BTreeSet;
use std::ops::Range;

use super::program::{File, Program};
use super::{CONNECTOR_SDK, PLUGIN_SDK};
use crate::aegis::rules::SOURCE_STDOUT;
use crate::problem::Problem;

pub(super) fn check(program: &Program<'_>, found: &mut Vec<Problem>) {
    let directories: BTreeSet<&str> = program.files.iter().map(File::directory).collect();
    for directory in directories {
        let mut walk = Walk { program, directory, seen: BTreeSet::new(), found };
        for (number, body) in program.functions(directory, "main") {
            let file = &program.files[*number];
            let serves = |at: &usize| {
                let is_sdk = [PLUGIN_SDK, CONNECTOR_SDK].iter().any(|path| file.is_package(*at, path));
                is_sdk && file.is(at + 1, ".") && file.is_name(at + 2, "Serve")
            };
            let Some(serve) = body.clone().find(serves) else { continue };
            for (number, body) in program.functions(directory, "init") {
                walk.body(*number, body.clone(), body.end);
            }
            walk.body(*number, body.clone(), serve);
        }
    }
}

struct Walk<'p, 's, 'f> {
    program: &'p Program<'s>,
    directory: &'p str,
    seen: BTreeSet<(usize, usize)>,
    found: &'f mut Vec<Problem>,
}

impl Walk<'_, '_, '_> {
    /// One body, up to a token.
    fn body(&mut self, number: usize, body: Range<usize>, end: usize) {
        if !self.seen.insert((number, body.start)) {
            return;
        }
        let file = &self.program.files[number];
        let mut at = body.start + 1;
        while at < end {
            if file.is_name(at, "func") {
                // A function that is handed on; one that is called at once runs here.
                let open = (file.closing(at + 1)..file.tokens.len()).find(|at| file.is(*at, "{")).unwrap_or(end);
                let close = file.closing(open);
                at = if file.is(close + 1, "(") && !is_deferred(file, at) { open + 1 } else { close + 1 };
                continue;
            }
            if let Some(what) = prints(file, at)
                && !is_deferred(file, at)
                && !leaves(file, &body, at)
            {
                let message = format!("{what} before Serve: the host reads it as the handshake and gives up");
                self.found.push(file.source.problem(SOURCE_STDOUT, file.tokens[at].at.clone(), message));
            }
            let is_call = file.is(at + 1, "(") && (at == 0 || !file.is(at - 1, ".")) && !is_deferred(file, at);
            if is_call && !leaves(file, &body, at) {
                let name = file.tokens[at].text.clone();
                for (number, body) in self.program.functions(self.directory, &name) {
                    self.body(*number, body.clone(), body.end);
                }
            }
            at += 1;
        }
    }
}

/// Whether a call runs when its function ends.
fn is_deferred(file: &File<'_>, at: usize) -> bool {
    at >= 1 && file.is_name(at - 1, "defer")
}

/// What prints on standard output at this token.
fn prints(file: &File<'_>, at: usize) -> Option<String> {
    let method = file.token(at + 2).filter(|_| file.is(at + 1, "."))?;
    let is_stdout = |at: usize| file.is_package(at, "os") && file.is(at + 1, ".") && file.is_name(at + 2, "Stdout");
    if file.is_package(at, "fmt") && file.is(at + 3, "(") {
        let is_print = ["Print", "Println", "Printf"].contains(&method.text.as_str());
        let is_to = ["Fprint", "Fprintln", "Fprintf"].contains(&method.text.as_str()) && is_stdout(at + 4);
        return (is_print || is_to).then(|| format!("fmt.{} prints", method.text));
    }
    let writes = |name: &str| file.is(at + 3, ".") && file.is_name(at + 4, name);
    (is_stdout(at) && ["Write", "WriteString", "ReadFrom"].into_iter().any(writes))
        .then(|| "os.Stdout is written to".to_owned())
}

/// Whether a token stands in a branch of the body that ends with `return` or `os.Exit`.
fn leaves(file: &File<'_>, body: &Range<usize>, at: usize) -> bool {
    let mut open = Vec::new();
    for before in body.start + 1..at {
        if file.is(before, "{") {
            open.push(before);
        } else if file.is(before, "}") {
            open.pop();
        }
    }
    open.iter().any(|open| {
        (at..file.closing(*open)).any(|at| {
            let exits = file.is_package(at, "os") && file.is(at + 1, ".") && file.is_name(at + 2, "Exit");
            file.is_name(at, "return") || exits
        })
    })
}
