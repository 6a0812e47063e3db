//! `packaging`: what a package of the two programs holds beside them. Hidden: packagers read of it in CONTRIBUTING.md.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::{Answer, Consumer, Context, Publisher, Verb};
use crate::event::counted;
use crate::sys::disk::{self, DiskError, Operation};
use crate::ui::args::examples;
use crate::ui::report::{Failure, Outcome};

/// Write the man pages and shell completions of both programs, for a package.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub packaging ../packaging"))]
pub(crate) struct Packaging {
    /// Where: below it come `man/` and `completions/`.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Verb for Packaging {
    fn run(self, _: &Context) -> Answer {
        let mut files = Vec::new();
        for mut program in [Publisher::command(), Consumer::command()] {
            let name = program.get_name().to_owned();
            for (shell, file) in completions(&name) {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut program, &name, &mut text);
                files.push((format!("completions/{file}"), text));
            }
            program.build();
            let failed = DiskError::about(Operation::Write, "the man pages below", &self.directory);
            pages(&program, &mut files).map_err(failed)?;
        }
        for (path, text) in &files {
            disk::write(&self.directory.join(path), text).map_err(Failure::from)?;
        }
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let text = format!("wrote {} below {}\n", counted(files.len(), "file"), self.directory.display());
        Ok(Outcome::new(text, json!({"directory": self.directory, "files": paths})))
    }
}

/// The shells that are completed for, each with the name its file has.
fn completions(program: &str) -> [(Shell, String); 4] {
    [
        (Shell::Bash, format!("{program}.bash")),
        (Shell::Fish, format!("{program}.fish")),
        (Shell::Zsh, format!("_{program}")),
        (Shell::PowerShell, format!("_{program}.ps1")),
    ]
}

/// A page for the command and for each below it: `aileron-pub-keys-rotate.1`.
fn pages(command: &Command, files: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    files.push((format!("man/{name}.1"), text));
    let shown = |below: &&Command| !below.is_hide_set() && below.get_name() != "help";
    command.get_subcommands().filter(shown).try_for_each(|below| pages(below, files))
}
