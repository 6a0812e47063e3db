//! `init`: a new connector repository, asking only for what is not said.

use std::io::IsTerminal as _;
use std::path::Path;

use aileron_templates::Template;
use serde_json::json;

use super::{Answer, Context};
use crate::publisher::scaffold::{Scaffold, scaffold};
use crate::ui::args::{Init, Language};
use crate::ui::report::{Failure, Outcome, shown};

pub(super) fn run(args: &Init, context: &Context) -> Answer {
    let ask = !args.yes && std::io::stdin().is_terminal();
    let owner = owner(args.owner.clone(), ask)?;
    let language = match args.language {
        Some(language) => language,
        None if ask => ask_language()?,
        None => return Err(Failure::usage("the language is not said").next("pass --language go or --language wat")),
    };
    let service = args.service.clone().unwrap_or_else(|| service(&args.dir));
    let request = Scaffold {
        dir: args.dir.clone(),
        publisher: args.publisher.clone().unwrap_or_else(|| owner.clone()),
        owner,
        service,
        language: match language {
            Language::Go => Template::Go,
            Language::Wat => Template::Wat,
        },
        git: !args.no_git,
    };
    let made = scaffold(&request, context.spawner())?;
    let dir = shown(&args.dir);
    let files: Vec<String> = made.files.iter().map(|file| file.display().to_string()).collect();
    let mut text: String = files.iter().map(|file| format!("  {file}\n")).collect();
    let commit = if made.git { ", with one commit" } else { "" };
    text.push_str(&format!(
        "made {dir}{commit}\nnext:\n  cd {dir}\n  aileron-pub keys generate --out FILE-OUTSIDE-THE-REPOSITORY\n  git add keys && git commit -m \"publisher key\"\n  aileron-pub check\n"
    ));
    let name = format!("github://{}/aileron-connector-{}", request.owner, request.service);
    Ok(Outcome::new(text, json!({"dir": dir, "name": name, "files": files, "git": made.git})))
}

fn owner(owner: Option<String>, ask: bool) -> Result<String, Failure> {
    let question = inquire::Text::new("GitHub owner (user or organisation):");
    match owner {
        Some(owner) => Ok(owner),
        None if ask => question.prompt().map_err(|_| Failure::usage("nothing was answered")),
        None => Err(Failure::usage("the owner is not said").next("pass --owner NAME")),
    }
}

fn ask_language() -> Result<Language, Failure> {
    const GO: &str = "Go";
    const WAT: &str = "WebAssembly text (tiny, needs no toolchain)";
    let answer = inquire::Select::new("Language:", vec![GO, WAT]).prompt();
    let answer = answer.map_err(|_| Failure::usage("nothing was answered"))?;
    Ok(if answer == GO { Language::Go } else { Language::Wat })
}

/// `weather` for `…/aileron-connector-weather`.
fn service(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix("aileron-connector-").map(str::to_owned).unwrap_or(name)
}
