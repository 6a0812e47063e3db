//! `connector`: install, upgrade, list, remove, check.

use aileron_verifier::artifact::verify::Verified;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::problem::Class;
use serde_json::{Value, json};

use super::install::{Home, How, content, install, name, reference, target};
use super::{Answer, Context};
use crate::consumer::fetch::origin::{FetchError, Origin};
use crate::consumer::trust::prompt::consents;
use crate::store::{ActionFile, Pinned, Store, StoreError};
use crate::ui::args::{Connector, ConnectorCheck, ConnectorInstall, Remove, Upgrade};
use crate::ui::report::console::Terminal;
use crate::ui::report::table::{short, table};
use crate::ui::report::{Exit, Failure, Outcome};

pub(super) fn run(verb: Connector, context: &Context) -> (&'static str, Answer) {
    match verb {
        Connector::Install(args) => ("connector install", one(&args, context)),
        Connector::Upgrade(args) => ("connector upgrade", upgrade(&args, context)),
        Connector::Run(args) => ("connector run", super::invoke::connector(&args, context)),
        Connector::List => ("connector list", list(context)),
        Connector::Remove(args) => ("connector remove", remove(&args, context)),
        Connector::Check(args) => ("connector check", check(&args, context)),
    }
}

fn one(args: &ConnectorInstall, context: &Context) -> Answer {
    let (target, content) = (target(&args.target, args.version.as_deref())?, content(args.hash.as_ref())?);
    let how = How { installing: &args.installing, allow: &[], force: args.force };
    install(&how, context, |installer| installer.connector(&target, content))
}

fn upgrade(args: &Upgrade, context: &Context) -> Answer {
    let store = Home::of(context)?.store;
    let mut names = args.names.iter().map(|text| name(text)).collect::<Result<Vec<_>, _>>()?;
    for name in &names {
        if store.versions_of(name)?.is_empty() {
            return Err(StoreError::NoConnector(name.to_string()).into());
        }
    }
    let named: Vec<_> = names.iter().map(Fqn::owner_authority).collect();
    if names.is_empty() {
        names = store.installed()?.into_iter().map(|pinned| pinned.reference.name).collect();
        names.dedup();
    }
    let how = How { installing: &args.installing, allow: &args.allow, force: false };
    install(&how, context, |installer| {
        installer.asked_for.extend(named);
        installer.connector_upgrades(&names)
    })
}

fn list(context: &Context) -> Answer {
    let store = Home::of(context)?.store;
    let (installed, actions) = (store.installed()?, store.actions()?);
    let row = |pinned: &Pinned| {
        let by = pinned_by(&actions, pinned.content);
        let by = if by.is_empty() { "-".to_owned() } else { crate::event::counted(by.len(), "action") };
        vec![pinned.reference.name.to_string(), pinned.reference.version.to_string(), short(pinned.content), by]
    };
    let text = match installed.is_empty() {
        true => "No connectors are installed.\n  Install one with `aileron connector install <name>`.\n".to_owned(),
        false => {
            table(&["connector", "version", "content", "pinned by"], &installed.iter().map(row).collect::<Vec<_>>())
        }
    };
    let document = |pinned: &Pinned| {
        json!({
            "reference": pinned.reference,
            "content_hash": pinned.content,
            "pinned_by": pinned_by(&actions, pinned.content),
        })
    };
    Ok(Outcome::new(text, json!({"connectors": installed.iter().map(document).collect::<Vec<_>>()})))
}

fn pinned_by(actions: &[ActionFile], content: ContentHash) -> Vec<&str> {
    let pins = |action: &&ActionFile| action.needs.iter().any(|needs| needs.content == content);
    actions.iter().filter(pins).map(|action| action.name.as_str()).collect()
}

/// Installed connectors by Ref, or by name where that is one.
fn named(store: &Store, texts: &[String]) -> Result<Vec<Pinned>, Failure> {
    let one = |text: &String| -> Result<Vec<Pinned>, Failure> {
        if text.contains('@') {
            let reference = reference(text)?;
            let content = store.content_of(&reference)?;
            let content = content.ok_or_else(|| StoreError::NoConnector(reference.to_string()))?;
            return Ok(vec![Pinned { reference, content }]);
        }
        match store.versions_of(&name(text)?)? {
            versions if versions.is_empty() => Err(StoreError::NoConnector(text.clone()).into()),
            versions => Ok(versions),
        }
    };
    Ok(texts.iter().map(one).collect::<Result<Vec<_>, _>>()?.concat())
}

fn remove(args: &Remove, context: &Context) -> Answer {
    let store = Home::waiting(context, args.wait_lock)?.store;
    for text in args.names.iter().filter(|text| !text.contains('@')) {
        let versions = store.versions_of(&name(text)?)?;
        if versions.len() > 1 {
            let refs: Vec<String> = versions.iter().map(|pinned| pinned.reference.to_string()).collect();
            return Err(Failure::usage(format!("{text} is installed in {} versions", refs.len()))
                .evidence(format!("  {}", refs.join("\n  ")))
                .next("name the versions to remove"));
        }
    }
    let pinned = named(&store, &args.names)?;
    let actions = store.actions()?;
    for one in &pinned {
        let by: Vec<String> = pinned_by(&actions, one.content).into_iter().map(str::to_owned).collect();
        if !by.is_empty() {
            return Err(StoreError::Pinned { reference: one.reference.clone(), by }.into());
        }
    }
    let listed: String = pinned.iter().map(|one| format!("  {}  {}\n", one.reference, short(one.content))).collect();
    let fields = |outcome: &str| json!({"outcome": outcome, "connectors": pinned_json(&pinned)});
    if args.dry_run {
        return Ok(Outcome::new(format!("Would remove:\n{listed}"), fields("dry-run")));
    }
    if !args.yes && !asked(context, &format!("Remove:\n{listed}"))? {
        return Ok(Outcome::new("Cancelled.\n", fields("cancelled")));
    }
    for one in &pinned {
        store.remove(one)?;
    }
    Ok(Outcome::new(
        pinned.iter().map(|one| format!("Removed: {}\n", one.reference)).collect::<String>(),
        fields("removed"),
    ))
}

/// Shows, and asks.
pub(super) fn asked(context: &Context, text: &str) -> Result<bool, Failure> {
    use crate::consumer::trust::prompt::Console as _;
    let mut console = Terminal { json: context.output.json };
    let lost = |error: std::io::Error| {
        Failure::new(Class::StoreUnwritable, Exit::Failure, format!("cannot ask whether to remove: {error}"))
    };
    console.say(text).map_err(lost)?;
    consents(&mut console, "Remove it? [y/N]: ").map_err(lost)
}

fn pinned_json(pinned: &[Pinned]) -> Value {
    pinned.iter().map(|one| json!({"reference": one.reference, "content_hash": one.content})).collect()
}

/// What is published now under an installed name and version.
enum Published {
    NotAsked,
    Same,
    Other(ContentHash),
    Gone,
    Unknown(String),
}

fn check(args: &ConnectorCheck, context: &Context) -> Answer {
    let home = Home::waiting(context, args.wait_lock)?;
    let ring = home.ring.load()?;
    let index_mended = home.store.rebuild_index()?;
    let unreadable = home.store.entries()?.into_iter().filter(|(_, reference)| reference.is_none());
    let unreadable: Vec<ContentHash> = unreadable.map(|(content, _)| content).collect();
    let wanted = if args.names.is_empty() { home.store.installed()? } else { named(&home.store, &args.names)? };
    let origin = Origin::choose(args.from.as_deref(), &context.environment);
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    let mut failure: Option<Failure> = None;
    for pinned in &wanted {
        let verdict = home.store.verify(pinned, &ring);
        let published = if args.offline { Published::NotAsked } else { published(&origin, pinned) };
        let newer = match args.offline {
            true => None,
            false => origin.newest(&pinned.reference.name).ok().and_then(|newest| {
                pinned.reference.version.precedence(&newest.version).is_lt().then_some(newest.version)
            }),
        };
        rows.push(vec![
            pinned.reference.to_string(),
            verdict.as_ref().map_or_else(|error| format!("refused: {}", error.class()), |_| "sound".to_owned()),
            published.shown(),
            newer.as_ref().map_or("-".to_owned(), ToString::to_string),
        ]);
        documents.push(json!({
            "reference": pinned.reference,
            "content_hash": pinned.content,
            "verdict": if verdict.is_ok() { "verified" } else { "refused" },
            "signer": verdict.as_ref().ok().map(Verified::signer),
            "error": verdict.as_ref().err().map(|error| json!({"class": error.class().as_str(), "message": error.to_string()})),
            "published": published.json(),
            "newer": newer,
        }));
        let found = verdict.err().map(Failure::from).or_else(|| published.failure(pinned));
        failure = failure.or(found);
    }
    for content in &unreadable {
        rows.push(vec![content.to_string(), "unreadable".to_owned(), "-".to_owned(), "-".to_owned()]);
        documents.push(json!({"reference": null, "content_hash": content, "verdict": "refused"}));
        failure = failure.or_else(|| Some(StoreError::UnreadableEntry(*content).into()));
    }
    let mut text = match rows.is_empty() {
        true => "No connectors are installed.\n".to_owned(),
        false => table(&["connector", "on disk", "published", "newer"], &rows),
    };
    if index_mended {
        text.push_str("The index said something else than the manifests; it was made again.\n");
    }
    let fields = json!({"connectors": documents, "index": if index_mended { "rebuilt" } else { "sound" }});
    Ok(Outcome::new(text, fields).with_failure(failure))
}

/// The content hash of what is published, whoever signed it: a comparison, not a verdict.
fn published(origin: &Origin, pinned: &Pinned) -> Published {
    use aileron_verifier::artifact::archive::{Files, Kind, read};
    match origin.fetch(&pinned.reference) {
        Err(FetchError::Absent { .. }) => Published::Gone,
        Err(error) => Published::Unknown(error.to_string()),
        Ok(bytes) => match read(&bytes, Some(Kind::Connector)) {
            Ok(Files::Connector { wasm, manifest, .. }) => match ContentHash::of(&[&wasm, &manifest]) {
                content if content == pinned.content => Published::Same,
                content => Published::Other(content),
            },
            Ok(Files::Action { .. }) => Published::Unknown("an action is published there".to_owned()),
            Err(error) => Published::Unknown(error.to_string()),
        },
    }
}

impl Published {
    fn shown(&self) -> String {
        match self {
            Published::NotAsked => "-".to_owned(),
            Published::Same => "the same".to_owned(),
            Published::Other(content) => format!("OTHER: {}", short(content)),
            Published::Gone => "gone".to_owned(),
            Published::Unknown(why) => format!("unknown: {why}"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Published::NotAsked => Value::Null,
            Published::Same => json!({"state": "same"}),
            Published::Other(content) => json!({"state": "other", "content_hash": content}),
            Published::Gone => json!({"state": "gone"}),
            Published::Unknown(why) => json!({"state": "unknown", "why": why}),
        }
    }

    fn failure(&self, pinned: &Pinned) -> Option<Failure> {
        let reference = &pinned.reference;
        match self {
            Published::NotAsked | Published::Same => None,
            Published::Other(content) => {
                let message =
                    format!("{reference} is installed with content {}, published is {content}", pinned.content);
                Some(
                    Failure::new(Class::HashMismatch, Exit::Refused, message)
                        .details(json!({"installed": pinned.content, "published": content}))
                        .next("a published version never changes: ask its publisher what happened"),
                )
            }
            Published::Gone => {
                let message = format!("{reference} is not published any more");
                Some(
                    Failure::new(Class::FetchFailed, Exit::NotFound, message)
                        .next("what is installed works on; ask its publisher why it was withdrawn"),
                )
            }
            Published::Unknown(why) => {
                let message = format!("what is published as {reference} is not known: {why}");
                Some(Failure::new(Class::FetchFailed, Exit::NotFound, message).next("--offline checks the disk alone"))
            }
        }
    }
}
