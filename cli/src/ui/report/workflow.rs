//! What a job of GitHub Actions gets beside the text: annotations in files, outputs for later steps, a step summary.
//!
//! All of it is read off the one document that `--json` prints, so that a workflow and a script get the same. The
//! runner takes commands from every line of a step: ours go to standard error, which holds no document, and text that a
//! repository or a compiler wrote is made inert before it is printed.

#![expect(clippy::disallowed_methods, reason = "the runner of a job names files to append to")]

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aileron_verifier::name::version::{Tag, Version};
use aileron_verifier::text::{printable, printable_within, screen};
use serde_json::Value;

use super::Exit;
use super::table::grouped;
use crate::github::Addresses;
use crate::sys::environment::Environment;

/// The runner shows so many annotations of each level and step, and drops the rest.
const ANNOTATIONS: usize = 10;
/// Rows a summary's table has at most; a summary of more than 1 MiB is refused whole.
const ROWS: usize = 100;
/// Characters of one text in a summary.
const CELL: usize = 400;

/// The job this process runs in.
pub struct Workflow {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    /// Where the repository lies in the workspace, as annotations name files: empty, or with a slash at the end.
    prefix: String,
    tag: Option<Tag>,
    again: Option<Again>,
}

/// How the job is started again.
struct Again {
    rerun: String,
    dispatch: Option<String>,
}

impl Workflow {
    /// The job, where `GITHUB_ACTIONS` says that there is one. `version` is what the verb was asked about, `repository` a
    /// directory in the repository it works on.
    pub fn of(environment: &Environment, repository: &Path, version: Option<&Version>) -> Option<Workflow> {
        environment.var("GITHUB_ACTIONS").filter(|value| *value == "true")?;
        let path = |name| environment.var(name).map(PathBuf::from);
        let tag = version.map(|version| Tag::of(None, version));
        Some(Workflow {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            prefix: path("GITHUB_WORKSPACE").and_then(|space| below(&space, repository)).unwrap_or_default(),
            again: Again::of(environment, tag.as_ref()),
            tag,
        })
    }

    /// A job that nothing is known of: it has no files, and annotations name files as they are.
    pub fn bare() -> Workflow {
        Workflow { output: None, summary: None, prefix: String::new(), tag: None, again: None }
    }

    /// Writes outputs and summary, and gives the annotations to print.
    pub fn tell(&self, document: &Value, exit: Exit) -> String {
        let mut text = self.annotations(document, exit);
        let mut append = |path: &Option<PathBuf>, what: &str, addition: io::Result<String>| {
            let Some(path) = path else { return };
            let written = addition.and_then(|addition| {
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                file.write_all(addition.as_bytes())
            });
            if let Err(error) = written {
                let message = format!("cannot write {what} to {}: {error}", path.display());
                text.push_str(&command("warning", &[("title", what)], &message));
            }
        };
        append(&self.output, "the step's outputs", self.outputs(document, exit));
        append(&self.summary, "the step's summary", Ok(screen(&self.summary(document, exit)).into_owned()));
        text
    }

    /// One line for each problem, or for the failure where it is not made of problems.
    fn annotations(&self, document: &Value, exit: Exit) -> String {
        let mut text = String::new();
        let problems = problems(document);
        for (severity, level) in [("error", "error"), ("warning", "warning"), ("note", "notice")] {
            for problem in problems.iter().filter(|problem| problem["severity"] == severity).take(ANNOTATIONS) {
                let file = format!("{}{}", self.prefix, string(problem, "file"));
                let (line, column) = (problem["line"].to_string(), problem["column"].to_string());
                let place = [("file", &*file), ("line", &line), ("col", &column), ("title", string(problem, "rule"))];
                text.push_str(&command(level, &place, &lines(&[string(problem, "message"), string(problem, "help")])));
            }
        }
        let error = &document["error"];
        if !error.is_object() || problems.iter().any(|problem| problem["severity"] == "error") {
            return text;
        }
        let (title, next) = (string(error, "class"), self.next(error, exit));
        let message = lines(&[string(error, "message"), &next]);
        let place = (error["file"].as_str(), error["line"].to_string());
        text.push_str(&match &place {
            (Some(file), line) => {
                let file = format!("{}{file}", self.prefix);
                command("error", &[("file", &file), ("line", line), ("title", title)], &message)
            }
            (None, _) => command("error", &[("title", title)], &message),
        });
        text
    }

    /// What the step hands to later ones: `connector-hash`, `tag` and `status`, where they are known.
    fn outputs(&self, document: &Value, exit: Exit) -> io::Result<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        // As the runner's own toolkit does: a value that holds the delimiter cannot be foreseen.
        let delimiter = format!("delimiter_{:032x}", u128::from_ne_bytes(random));
        let tag = self.tag.as_ref().map(ToString::to_string);
        let status = Some(status(document, exit));
        let outputs =
            [("connector-hash", document["content_hash"].as_str()), ("tag", tag.as_deref()), ("status", status)];
        let said = outputs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(said.map(|(name, value)| format!("{name}<<{delimiter}\n{}\n{delimiter}\n", printable(value))).collect())
    }

    /// Markdown for the run's page.
    fn summary(&self, document: &Value, exit: Exit) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(" {}", escaped(tag.as_str()))).unwrap_or_default();
        let mut text = format!("### aileron-pub {}{tag}: {}\n\n", string(document, "command"), status(document, exit));
        let error = &document["error"];
        if error.is_object() {
            text.push_str(&format!("**{}**: {}\n\n", string(error, "class"), escaped(string(error, "message"))));
            let next = self.next(error, exit);
            next.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
            text.push('\n');
        }
        text.push_str(&facts(document));
        text.push_str(&rows(document));
        text
    }

    /// What to do next; for a job that has not finished, how it is started again.
    fn next(&self, error: &Value, exit: Exit) -> String {
        let next = string(error, "next");
        match &self.again {
            Some(again) if matches!(exit, Exit::Incomplete | Exit::Interrupted) => {
                let dispatch = again.dispatch.as_ref().map(|line| format!("or in a new run: {line}"));
                lines(&["what is done is kept; to continue:", &again.rerun, dispatch.as_deref().unwrap_or_default()])
            }
            _ => next.to_owned(),
        }
    }
}

impl Again {
    fn of(environment: &Environment, tag: Option<&Tag>) -> Option<Again> {
        let variable = |name| environment.var(name)?.to_str();
        let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
        let server = &*Addresses::of(environment).server;
        // gh means github.com unless a host is named.
        let host = server.split_once("://").map_or(server, |(_, host)| host);
        let place = if host == "github.com" { repository.to_owned() } else { format!("{host}/{repository}") };
        // `owner/repo/.github/workflows/release.yml@refs/tags/v0.1.0`
        let file = variable("GITHUB_WORKFLOW_REF").and_then(|path| {
            let (path, _) = path.split_once('@')?;
            Some(path.rsplit_once('/')?.1)
        });
        let dispatch = file.zip(variable("GITHUB_REF_NAME")).zip(tag).map(|((file, name), tag)| {
            format!("gh workflow run {file} --repo {place} --ref {name} --field version={tag}")
        });
        Some(Again { rerun: format!("gh run rerun {run} --failed --repo {place}"), dispatch })
    }
}

/// Text that gives the runner no command: it takes `::command` where a line begins, and `##[command]` anywhere. The runner
/// reads lines as .NET does: `\n`, `\r` and both together end one. White space before a command is skipped.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| {
        let line = line.replace("##[", "## [");
        if line.trim_start().starts_with("::") { format!("> {line}") } else { line }
    };
    Cow::Owned(text.split_inclusive(['\n', '\r']).map(line).collect())
}

/// The same for a JSON document on one line, which stays the same document.
pub fn inert_json(document: &str) -> Cow<'_, str> {
    if document.contains("##[") { Cow::Owned(document.replace("##[", r"#\u0023[")) } else { Cow::Borrowed(document) }
}

/// A workflow command, escaped as the runner reads it.
fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let data = |text: &str| {
        let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "## [");
        screen(&text).into_owned()
    };
    let property = |(key, value): &(&str, &str)| {
        let value = data(value).replace(':', "%3A").replace(',', "%2C");
        format!("{key}={value}")
    };
    let properties: Vec<String> = properties.iter().map(property).collect();
    format!("::{name} {}::{}\n", properties.join(","), data(message))
}

/// The problems of `check`, or those that stopped another verb.
fn problems(document: &Value) -> &[Value] {
    let listed = document["problems"].as_array().or_else(|| document["error"]["details"]["problems"].as_array());
    listed.map_or(&[], Vec::as_slice)
}

fn status(document: &Value, exit: Exit) -> &str {
    let said = document["status"].as_str().or_else(|| document["state"].as_str());
    match exit {
        Exit::Ok => said.unwrap_or("ok"),
        Exit::Incomplete | Exit::Interrupted => "incomplete",
        _ => "failed",
    }
}

/// Single values worth a line.
fn facts(document: &Value) -> String {
    let named = [
        ("content hash", "content_hash"),
        ("signed by", "key"),
        ("commit", "commit"),
        ("registry", "registry"),
        ("writes", "writes"),
        ("done by", "finish"),
        ("limit", "limit"),
    ];
    let row = |(name, key): (&str, &str)| {
        let value = match &document[key] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Object(parts) => parts.get("total")?.to_string(),
            _ => return None,
        };
        Some(format!("- {name}: `{}`\n", printable(&value).replace('`', "'")))
    };
    let list: String = named.into_iter().filter_map(row).collect();
    if list.is_empty() { list } else { list + "\n" }
}

/// The table: artifacts, tags or problems.
fn rows(document: &Value) -> String {
    let cell = |value: &Value| match value {
        Value::String(text) => escaped(text),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let (header, rows): (&str, Vec<[String; 4]>) = if let Some(artifacts) = document["artifacts"].as_array() {
        let row = |one: &Value| {
            let archive = &one["archive"];
            let size = archive["size"].as_u64().map_or_else(|| "-".to_owned(), grouped);
            [cell(&one["tag"]), cell(&archive["sha256"]), size, cell(&one["verdict"])]
        };
        ("| tag | archive | bytes | verdict |", artifacts.iter().map(row).collect())
    } else if let Some(tags) = document["tags"].as_array() {
        let row = |one: &Value| [cell(&one["tag"]), cell(&one["state"]), String::new(), String::new()];
        ("| tag | state | | |", tags.iter().map(row).collect())
    } else {
        let row = |one: &Value| {
            let place = format!("{}:{}", string(one, "file"), one["line"]);
            [cell(&one["severity"]), cell(&one["rule"]), escaped(&place), cell(&one["message"])]
        };
        ("| severity | rule | place | problem |", problems(document).iter().map(row).collect())
    };
    if rows.is_empty() {
        return String::new();
    }
    let shown: String = rows.iter().take(ROWS).map(|row| format!("| {} |\n", row.join(" | "))).collect();
    let more = rows.len().saturating_sub(ROWS);
    let more = if more == 0 { String::new() } else { format!("\n… and {more} more\n") };
    format!("{header}\n|---|---|---|---|\n{shown}{more}\n")
}

/// Plain text in Markdown.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in printable_within(text, CELL).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' => safe.extend(['\\', character]),
            _ => safe.push(character),
        }
    }
    safe
}

fn lines(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n")
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Where the repository's root lies below the workspace, as a prefix of its files' names.
fn below(workspace: &Path, repository: &Path) -> Option<String> {
    let (workspace, repository) = (workspace.canonicalize().ok()?, repository.canonicalize().ok()?);
    let root = repository.ancestors().find(|place| place.join(".git").exists())?;
    let parts = root.strip_prefix(workspace).ok()?.components();
    parts.map(|part| Some(format!("{}/", part.as_os_str().to_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow(variables: &[(&str, &str)]) -> Workflow {
        let always = [("GITHUB_ACTIONS", "true")];
        let environment =
            always.iter().chain(variables).map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let version = "0.1.0".parse().expect("a version");
        Workflow::of(&environment, Path::new("."), Some(&version)).expect("a job")
    }

    #[test] // docs.github.com, "Workflow commands for GitHub Actions"
    fn a_command_is_escaped_as_the_runner_reads_it() {
        let said = command("error", &[("file", "a:b,c%.md"), ("title", "x\ny")], "50 %: one, two\r\nthree");
        assert_eq!(said, "::error file=a%3Ab%2Cc%25.md,title=x%0Ay::50 %25: one, two%0D%0Athree\n");
    }

    #[test]
    fn text_of_others_gives_no_commands() {
        for (text, inert_text) in [
            ("plain\n", "plain\n"),
            ("a::b\n", "a::b\n"),
            ("::set-output name=tag::v9\n", "> ::set-output name=tag::v9\n"),
            ("x\n  ::add-mask::a\n", "x\n>   ::add-mask::a\n"),
            ("see ##[error]no\n", "see ## [error]no\n"),
            ("x\r::warning::y\n", "x\r> ::warning::y\n"),
            ("x\r\n::warning::y", "x\r\n> ::warning::y"),
            ("\r::stop-commands::a\r::a::", "\r> ::stop-commands::a\r> ::a::"),
            ("\u{85}\u{a0}\u{3000}::notice::z", "> \u{85}\u{a0}\u{3000}::notice::z"),
        ] {
            assert_eq!(inert(text), inert_text);
        }
        let document = json!({"message": "##[error]"}).to_string();
        let inert = inert_json(&document);
        assert!(!inert.contains("##["));
        assert_eq!(serde_json::from_str::<Value>(&inert).unwrap(), serde_json::from_str::<Value>(&document).unwrap());
    }

    #[test]
    fn problems_become_annotations_up_to_what_is_shown_and_the_failure_is_one_only_without_them() {
        let problem = |severity: &str, line: usize| {
            json!({"severity": severity, "rule": "input-name", "file": "actions/a/action.md", "line": line, "column": 3,
                   "message": "100 %\nbad", "help": ""})
        };
        let mut problems = vec![problem("warning", 1), problem("note", 1)];
        problems.extend((0..12).map(|line| problem("error", line)));
        let document = json!({"error": {"class": "validation_error"}, "problems": problems});
        let said = workflow(&[]).annotations(&document, Exit::Policy);
        let first = "::error file=actions/a/action.md,line=0,col=3,title=input-name::100 %25%0Abad";
        assert_eq!(said.lines().next(), Some(first));
        let count = |command: &str| said.matches(command).count();
        assert_eq!((count("::error "), count("::warning "), count("::notice ")), (10, 1, 1));

        let document = json!({"error": {"class": "hash_mismatch", "message": "no", "next": "look"}});
        assert_eq!(workflow(&[]).annotations(&document, Exit::Refused), "::error title=hash_mismatch::no%0Alook\n");
    }

    #[test]
    fn a_job_that_has_not_finished_says_how_it_is_started_again() {
        let environment = [
            ("GITHUB_REPOSITORY", "acme/x"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_SERVER_URL", "https://github.example.com"),
            ("GITHUB_WORKFLOW_REF", "acme/x/.github/workflows/release.yml@refs/tags/v0.1.0"),
            ("GITHUB_REF_NAME", "v0.1.0"),
        ];
        let document = json!({"error": {"class": "incomplete", "message": "stopped", "next": "the same again"}});
        let said = workflow(&environment).annotations(&document, Exit::Incomplete);
        let expected = "::error title=incomplete::stopped%0Awhat is done is kept; to continue:%0A\
                        gh run rerun 77 --failed --repo github.example.com/acme/x%0Aor in a new run: gh workflow run \
                        release.yml --repo github.example.com/acme/x --ref v0.1.0 --field version=v0.1.0\n";
        assert_eq!(said, expected);
        let failed = workflow(&environment).annotations(&document, Exit::Failure);
        assert!(failed.contains("the same again") && !failed.contains("rerun"));
    }

    #[test]
    fn outputs_are_delimited_by_what_nobody_can_foresee() {
        let document = json!({"content_hash": "sha256:00", "status": "complete"});
        let outputs = workflow(&[]).outputs(&document, Exit::Ok).unwrap();
        let lines: Vec<&str> = outputs.lines().collect();
        let delimiter = lines[0].strip_prefix("connector-hash<<").expect("the first output");
        assert!(delimiter.len() > 32);
        let expected = format!(
            "connector-hash<<{delimiter}\nsha256:00\n{delimiter}\ntag<<{delimiter}\nv0.1.0\n{delimiter}\n\
             status<<{delimiter}\ncomplete\n{delimiter}\n"
        );
        assert_eq!(outputs, expected);
        assert_ne!(outputs, workflow(&[]).outputs(&document, Exit::Ok).unwrap());
        for (exit, status) in [(Exit::Incomplete, "incomplete"), (Exit::Refused, "failed")] {
            assert!(workflow(&[]).outputs(&json!({}), exit).unwrap().contains(&format!("\n{status}\n")));
        }
    }

    #[test]
    fn a_summary_is_markdown_that_no_name_can_break() {
        let artifacts: Vec<Value> = (0..150)
            .map(|n| json!({"tag": format!("a|b_{n}"), "archive": {"sha256": "sha256:00", "size": 1}, "verdict": "verified"}))
            .collect();
        let document = json!({"command": "release", "status": "complete", "content_hash": "sha256:0`0",
                              "writes": 7, "artifacts": artifacts});
        let text = workflow(&[]).summary(&document, Exit::Ok);
        assert!(
            text.starts_with("### aileron-pub release v0.1.0: complete\n\n- content hash: `sha256:0'0`\n"),
            "{text}"
        );
        assert!(text.contains("| a\\|b\\_0 | sha256:00 | 1 | verified |\n"), "{text}");
        assert!(text.ends_with("\n… and 50 more\n\n"), "{text}");
    }

    #[test]
    fn files_are_named_from_the_workspace() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("connector repo/actions");
        std::fs::create_dir_all(&inside).expect("directories");
        std::fs::create_dir(folder.path().join("connector repo/.git")).expect("directories");
        assert_eq!(below(folder.path(), &inside).as_deref(), Some("connector repo/"));
        assert_eq!(below(&inside, &inside), None, "a repository outside of the workspace");
    }
}
