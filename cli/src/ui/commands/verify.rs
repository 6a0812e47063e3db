//! `verify`: one trustworthy verdict per archive.

use std::path::{Path, PathBuf};

use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::digest::{ContentHash, NotAHash};
use aileron_verifier::name::fqn::{NameError, Ref};
use aileron_verifier::problem::{Class, Problem, Rule, Waiver};
use aileron_verifier::text::{listed, printable, printable_within};
use aileron_verifier::trust::keyring::Keyring;
use serde_json::{Value, json};

use super::{Answer, Context, installed, settings};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::trust::grant::Trust;
use crate::consumer::verify::{self, Subject, Verification, VerificationError};
use crate::event::{Event, counted};
use crate::publisher::release::{self, DirtyTree, Request};
use crate::ui::args::{ConsumerVerify, Judging, Settings, Verify};
use crate::ui::report::table::{grouped, table};
use crate::ui::report::{Exit, Failure, Outcome, of_judge, problem_json};

pub(super) fn run(args: &Verify, context: &Context) -> Answer {
    let subject = subject(args)?;
    let judged = judged(args, context)?;
    let refusal =
        judged.iter().find_map(|verification| Some((&verification.subject, verification.verdict.as_ref().err()?)));
    let text = match (&subject, judged.as_slice()) {
        (Subject::Directory(directory), _) => rows(directory, &judged),
        (_, [Verification { verdict: Ok(verified), .. }]) => panel(verified),
        _ => String::new(),
    };
    let refused = judged.iter().filter(|verification| verification.verdict.is_err()).count();
    let failure = refusal.map(|(place, error)| {
        let failure = of_judge(error);
        match (&subject, refused) {
            (Subject::Directory(_), 1) => failure.evidence(format!("  in {}", printable_within(place, 400))),
            (Subject::Directory(_), _) => failure
                .evidence(format!("  in {}, the first of {refused} refused archives", printable_within(place, 400))),
            _ => failure,
        }
    });
    let fields = match (&subject, judged.as_slice()) {
        (Subject::File { .. } | Subject::Reference(_), [verification]) => judgement_json(verification),
        _ => {
            let artifacts: Vec<Value> = judged.iter().map(judgement_json).collect();
            json!({"verified": judged.len() - refused, "refused": refused, "artifacts": artifacts})
        }
    };
    Ok(Outcome::new(text, fields).with_failure(failure))
}

/// Finds keys and bytes, and asks for the verdicts.
fn judged(args: &Verify, context: &Context) -> Result<Vec<Verification>, Failure> {
    let listener = |event| context.progress.take(event);
    let ring = ring(&args.judging, context)?;
    let origin = Origin::choose(args.judging.from.as_deref(), &context.environment);
    Ok(verify::verify(&subject(args)?, content(args)?, &origin, &ring, &listener)?)
}

/// Whose signatures count.
fn ring(judging: &Judging, context: &Context) -> Result<Keyring, Failure> {
    let trust = match (&judging.keyring, judging.key.as_slice()) {
        (Some(path), _) => Trust::File(path.clone()),
        (None, []) => Trust::Home,
        (None, keys) => Trust::Keys(keys.to_vec()),
    };
    let ring = trust.ring(&context.environment)?;
    for (authority, key) in ring.weak() {
        let fingerprint = key.fingerprint();
        let words = format!("warning: the key {fingerprint} under {authority} is weak and verifies nothing");
        context.progress.take(Event::Note(words));
    }
    Ok(ring)
}

/// `aileron verify`: a subject, everything installed, or everything a release lists.
pub(super) fn consumer(args: ConsumerVerify, context: &Context) -> Answer {
    match (args.subject, &args.cohort) {
        (Some(subject), _) => run(&Verify { subject, judging: args.judging }, context),
        (None, Some(connector)) => cohort(&reference(connector)?, &args.judging, context),
        (None, None) => installed::run(&ring(&args.judging, context)?, args.full, context),
    }
}

/// `verify --cohort`: the signed index, and everything it lists.
fn cohort(connector: &Ref, judging: &Judging, context: &Context) -> Answer {
    let listener = |event| context.progress.take(event);
    let origin = Origin::choose(judging.from.as_deref(), &context.environment);
    let (cohort, judged) = verify::cohort(connector, &origin, &ring(judging, context)?, &listener)?;
    let row = |verification: &Verification| {
        let (size, verdict) = match &verification.verdict {
            Ok(verified) => (verified.size().map_or("-".to_owned(), grouped), "verified, as listed".to_owned()),
            Err(error) => ("-".to_owned(), format!("refused: {}: {error}", error.class())),
        };
        vec![verification.subject.clone(), size, verdict]
    };
    let rows: Vec<Vec<String>> = judged.iter().map(row).collect();
    let head = format!(
        "cohort of {connector}, from commit {}\n  signed by     {}\n\n",
        printable(&cohort.commit.to_string()),
        cohort.key
    );
    let text = head + &table(&["artifact", "bytes", "verdict"], &rows);
    // What is refused for good is said before what may still come.
    let mut bad: Vec<&VerificationError> =
        judged.iter().filter_map(|verification| verification.verdict.as_ref().err()).collect();
    let refused = bad.len();
    bad.sort_by_key(|error| (error.is_retriable(), error.class() == Class::FetchFailed));
    let failure = bad.first().map(|error| match refused {
        1 => of_judge(error),
        _ => of_judge(error).evidence(format!("  the first of {refused} artifacts that are not as listed")),
    });
    let artifacts: Vec<Value> = judged.iter().map(judgement_json).collect();
    let fields = json!({
        "cohort": connector,
        "commit": cohort.commit,
        "key": cohort.key,
        "allowed": cohort.allowed,
        "verified": judged.len() - refused,
        "refused": refused,
        "artifacts": artifacts,
    });
    Ok(Outcome::new(text, fields).with_failure(failure))
}

/// `verify --rebuild`: the same verdict, and then the proof that this repository's commit builds the same bytes.
pub(super) fn rebuild(args: &Verify, repository: PathBuf, context: &Context) -> Answer {
    let judged = judged(args, context)?;
    let [Verification { verdict: Ok(verified), .. }] = judged.as_slice() else {
        return match judged.into_iter().find_map(|verification| verification.verdict.err()) {
            Some(error) => Err(of_judge(&error)),
            None => Err(Failure::usage("--rebuild compares one connector; a directory holds many archives")),
        };
    };
    let allow = Rule::WAIVABLE.iter().filter_map(|rule| rule.id().parse().ok()).collect();
    let version = verified.reference().version.clone();
    let request = settings(Settings { allow, ..Settings::default() }, version, repository);
    let request = Request { dirty: DirtyTree::Ignored, ..request };
    let rebuilt = context.with_world(|world| release::rebuild(verified, &request, world))?;
    let Some(rebuilt) = rebuilt else {
        return Err(Failure::usage("an action is not built; --rebuild compares a connector"));
    };
    let text = format!("{}  rebuilt       {} from commit {}\n", panel(verified), rebuilt.built, rebuilt.commit);
    let mut fields = judgement_json(&judged[0]);
    fields["rebuilt"] = json!({
        "identical": rebuilt.identical,
        "same_module": rebuilt.same_module,
        "published": rebuilt.published,
        "built": rebuilt.built,
        "commit": rebuilt.commit,
    });
    let what = if rebuilt.same_module { "the manifests differ" } else { "the modules differ" };
    let failure = (!rebuilt.identical).then(|| {
        let message = format!("this commit builds {}, published is {}: {what}", rebuilt.built, rebuilt.published);
        Failure::new(Class::HashMismatch, Exit::Refused, message)
            .evidence(format!("  toolchain here: {}", printable(&rebuilt.toolchain.to_string())))
            .next("check out the commit and use the toolchain that cohort.json names, then compare again")
    });
    Ok(Outcome::new(text, fields).with_failure(failure))
}

/// A Ref given from outside: a bad one has a class of its own. artifacts.md §1.
fn reference(text: &str) -> Result<Ref, Failure> {
    text.parse().map_err(|error: NameError| {
        Failure { class: error.class(), ..Failure::usage(error.to_string()) }
            .next("write a Ref as <scheme>://<owner>/<repo>[/<subpath>]@<version>")
    })
}

/// `--hash`. A malformed one is `validation_error`, as wherever a hash is given. artifacts.md §1.
fn content(args: &Verify) -> Result<Option<ContentHash>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error: NotAHash| {
            Failure { class: Class::ValidationError, ..Failure::usage(format!("--hash {error}")) }
                .next("copy the whole content hash, `sha256:` included")
        })
    };
    args.judging.hash.as_ref().map(parse).transpose()
}

/// A Ref has `://`; everything else is a path.
fn subject(args: &Verify) -> Result<Subject, Failure> {
    let wanted = args.judging.reference.as_deref().map(reference).transpose()?;
    if args.subject.contains("://") {
        let reference = reference(&args.subject)?;
        return match &wanted {
            Some(wanted) if *wanted != reference => {
                Err(Failure::usage(format!("{reference} cannot be verified as {wanted}")))
            }
            _ => Ok(Subject::Reference(reference)),
        };
    }
    let path = PathBuf::from(&args.subject);
    if !path.is_dir() {
        return Ok(Subject::File { path, reference: wanted });
    }
    if wanted.is_some() || args.judging.hash.is_some() {
        return Err(Failure::usage("--as and --hash say what one archive must be; a directory holds many"));
    }
    Ok(Subject::Directory(path))
}

fn panel(verified: &Verified) -> String {
    let mut text = format!("verified {}\n  kind          {}\n", verified.reference(), verified.kind());
    if let Some(content) = verified.content() {
        text.push_str(&format!("  content hash  {content}\n"));
    }
    if let (Some(digest), Some(size)) = (verified.digest(), verified.size()) {
        text.push_str(&format!("  archive       {digest} ({} bytes)\n", grouped(size)));
    }
    text.push_str(&format!("  signed by     {}\n", verified.signer()));
    match verified.payload() {
        Payload::Connector { .. } => {
            let may = verified.capabilities().unwrap_or_default();
            let credential = may.credential.iter().map(|credential| format!("credential {}", credential.kind));
            let lines = may.hosts.iter().map(|host| format!("network {host}")).chain(credential);
            let lines: Vec<String> = lines.chain(may.spawn.iter().map(|program| format!("start {program}"))).collect();
            listed(lines.iter()).iter().for_each(|line| text.push_str(&format!("  may use       {line}\n")));
        }
        Payload::Action(action) => {
            let required = action.requires.iter();
            let required: Vec<String> =
                required.map(|needs| format!("{}@{}", needs.name.value, needs.version.value)).collect();
            listed(required.iter()).iter().for_each(|line| text.push_str(&format!("  requires      {line}\n")));
        }
    }
    for problem in verified.warnings() {
        text.push_str(&format!("  warning       {} [{}]\n", printable_within(&problem.message, 400), problem.rule));
    }
    text
}

fn rows(directory: &Path, judged: &[Verification]) -> String {
    let row = |verification: &Verification| {
        let path = Path::new(&verification.subject);
        let path = path.strip_prefix(directory).unwrap_or(path).display().to_string();
        match &verification.verdict {
            Ok(verified) => {
                let warned = verified.warnings().len();
                let verdict = if warned == 0 {
                    "verified".to_owned()
                } else {
                    format!("verified, {}", counted(warned, "warning"))
                };
                vec![verified.reference().to_string(), path, verified.size().map_or("-".to_owned(), grouped), verdict]
            }
            Err(error) => vec!["-".to_owned(), path, "-".to_owned(), format!("refused: {}: {error}", error.class())],
        }
    };
    table(&["artifact", "archive", "bytes", "verdict"], &judged.iter().map(row).collect::<Vec<_>>())
}

fn judgement_json(verification: &Verification) -> Value {
    match &verification.verdict {
        Ok(verified) => {
            let no_waivers: &[Waiver] = &[];
            let warning = |problem: &Problem| {
                let source = match verified.payload() {
                    Payload::Action(action) => &action.source,
                    Payload::Connector { manifest, .. } => &manifest.source,
                };
                let mut warning = problem_json(problem, Some(source), no_waivers);
                warning["severity"] = json!("warning");
                warning
            };
            json!({
                "subject": verification.subject,
                "verdict": "verified",
                "reference": verified.reference(),
                "kind": verified.kind().to_string(),
                "content_hash": verified.content(),
                "archive": {"sha256": verified.digest(), "size": verified.size()},
                "signer": verified.signer(),
                "capabilities": verified.capabilities(),
                "warnings": verified.warnings().iter().map(warning).collect::<Vec<_>>(),
            })
        }
        Err(error) => json!({
            "subject": verification.subject,
            "verdict": "refused",
            "error": {"class": error.class().as_str(), "message": error.to_string()},
        }),
    }
}
