//! `fake-github`: GitHub's releases on a local port, for tests of anything that speaks HTTP.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use aileron_testkit::github::{FakeGitHub, GitHub, Limits, Options, Repository, SCRIPT_HELP, Script, ScriptError};
use clap::{Parser, ValueEnum};

/// GitHub's releases on a local port: the API (also under /api/v3), uploads, downloads and raw files from one origin.
///
/// The first line on stdout is the base URL. Any token is a person's with write access; one that begins with ghs_ is a
/// workflow's. Ends when it is killed.
#[derive(Parser)]
#[command(name = "fake-github", version, after_help = SCRIPT_HELP)]
struct Arguments {
    /// Address to listen on; port 0 takes any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The one repository, in its canonical spelling
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository)]
    repo: (String, String),
    /// What was pushed: commits and tags of a git work tree, files of any directory. Without it every commit is known
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Rate limits as on github.com, or none as on an Enterprise server
    #[arg(long, value_enum, default_value = "github")]
    limits: Kind,
    /// Publish immutable releases
    #[arg(long)]
    immutable: bool,
    /// Show the repository to tokens only
    #[arg(long)]
    private: bool,
    /// Faults, see below
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Append a line per request: method, path, status (- where no answer was given)
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Take up this state if it is there, and keep it up to date
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Github,
    None,
}

fn main() -> ExitCode {
    let Err(error) = serve(Arguments::parse());
    let _ = writeln!(std::io::stderr(), "fake-github: {error}");
    ExitCode::FAILURE
}

fn serve(arguments: Arguments) -> Result<std::convert::Infallible, Box<dyn Error>> {
    let (owner, name) = arguments.repo;
    let mut repository = Repository::new(owner, name);
    repository.immutable = arguments.immutable;
    repository.private = arguments.private;
    let mut github = GitHub::new(repository);
    github.limits = match arguments.limits {
        Kind::Github => Limits::github(),
        Kind::None => Limits::none(),
    };
    let script = match &arguments.script {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            text.parse().map_err(|error: ScriptError| format!("{}: {error}", path.display()))?
        }
        None => Script::default(),
    };
    let fake = FakeGitHub::with(Options {
        listen: arguments.listen,
        script,
        tree: arguments.tree,
        log: arguments.log,
        state: arguments.state,
        ..Options::new(github)
    })?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", fake.url())?;
    stdout.flush()?;
    loop {
        std::thread::park();
    }
}

fn repository(text: &str) -> Result<(String, String), String> {
    let (owner, name) = text.split_once('/').ok_or("must be OWNER/NAME")?;
    if owner.is_empty() || name.is_empty() || name.contains('/') {
        return Err("must be OWNER/NAME".to_owned());
    }
    Ok((owner.to_owned(), name.to_owned()))
}
