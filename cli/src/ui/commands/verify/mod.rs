//! `verify`, of both programs: one trustworthy verdict per archive.

mod installed;
mod render;

use std::path::PathBuf;

use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::rules;
use aileron_verifier::text::{printable, printable_within};
use aileron_verifier::trust::keyring::Keyring;
use clap::Args;
use serde_json::{Value, json};

use self::render::{directory_table, verification_json, verified_text};
use super::installing::{content, reference};
use super::{Answer, Context, Verb};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::trust::grant::Trust;
use crate::consumer::verify::{self, Subject, Verification, VerificationError};
use crate::event::Event;
use crate::publisher::release::{self, DirtyTree, ReleaseRequest};
use crate::ui::args::{BuildFlags, VerdictFlags, examples};
use crate::ui::report::table::{grouped, table};
use crate::ui::report::{Exit, Failure, Outcome, of_judge};

/// Judge an archive, a directory of archives, or a released artifact, as an installer would.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub verify github://acme/aileron-connector-x@0.1.0 --from ../registry",
    "aileron-pub verify aileron.tar.gz --key publisher.pub --as github://acme/aileron-connector-x@0.1.0",
    "aileron-pub verify ../registry --keyring keyring.json"
))]
pub(crate) struct PublisherVerify {
    /// What every `verify` takes.
    #[command(flatten)]
    verify: SubjectFlags,
    /// Also build this repository's commit again, and compare the connector byte for byte.
    #[arg(long)]
    rebuild: bool,
}

/// Judge an archive, a directory of archives, or a released artifact, as an installer would.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron verify github://acme/aileron-connector-x@0.1.0 --from ../registry",
    "aileron verify aileron.tar.gz --key publisher.pub --as github://acme/aileron-connector-x@0.1.0",
    "aileron verify ../registry --keyring keyring.json",
    "aileron verify --installed",
    "aileron verify --cohort github://acme/aileron-connector-x@0.1.0"
))]
pub(crate) struct ConsumerVerify {
    /// An archive, a directory of archives, or a Ref such as github://acme/aileron-connector-x@0.1.0.
    #[arg(required_unless_present_any = ["installed", "cohort"])]
    subject: Option<String>,
    /// Judge everything that is installed, by the keyring of today.
    #[arg(long, conflicts_with_all = ["subject", "cohort", "reference", "hash", "from"])]
    installed: bool,
    /// Read and hash every installed file, also those that are unchanged since they were verified.
    #[arg(long, requires = "installed")]
    full: bool,
    /// Judge everything this connector's release lists in its signed index.
    #[arg(long, value_name = "REF", conflicts_with_all = ["subject", "reference", "hash"])]
    cohort: Option<String>,
    /// What it is verified with.
    #[command(flatten)]
    verdict: VerdictFlags,
}

/// What is verified, and by what.
#[derive(Debug, Args)]
pub(crate) struct SubjectFlags {
    /// An archive, a directory of archives, or a Ref such as github://acme/aileron-connector-x@0.1.0.
    subject: String,
    /// What it is verified with.
    #[command(flatten)]
    verdict: VerdictFlags,
}

impl Verb for PublisherVerify {
    fn run(self, context: &Context) -> Answer {
        if self.rebuild { rebuild(&self.verify, context) } else { run(&self.verify, context) }
    }
}

/// A subject, everything installed, or everything a release lists.
impl Verb for ConsumerVerify {
    fn run(self, context: &Context) -> Answer {
        match (self.subject, &self.cohort) {
            (Some(subject), _) => run(&SubjectFlags { subject, verdict: self.verdict }, context),
            (None, Some(connector)) => cohort(&reference(connector)?, &self.verdict, context),
            (None, None) => installed::run(&ring(&self.verdict, context)?, self.full, context),
        }
    }
}

fn run(flags: &SubjectFlags, context: &Context) -> Answer {
    let subject = subject(flags)?;
    let found = verifications(flags, context)?;
    let refusal =
        found.iter().find_map(|verification| Some((&verification.subject, verification.verdict.as_ref().err()?)));
    let text = match (&subject, found.as_slice()) {
        (Subject::Directory(directory), _) => directory_table(directory, &found),
        (_, [Verification { verdict: Ok(verified), .. }]) => verified_text(verified),
        _ => String::new(),
    };
    let refused = found.iter().filter(|verification| verification.verdict.is_err()).count();
    let failure = refusal.map(|(place, error)| {
        let failure = of_judge(error);
        match (&subject, refused) {
            (Subject::Directory(_), 1) => failure.evidence(format!("  in {}", printable_within(place, 400))),
            (Subject::Directory(_), _) => failure
                .evidence(format!("  in {}, the first of {refused} refused archives", printable_within(place, 400))),
            _ => failure,
        }
    });
    let fields = match (&subject, found.as_slice()) {
        (Subject::File { .. } | Subject::Reference(_), [verification]) => verification_json(verification),
        _ => {
            let artifacts: Vec<Value> = found.iter().map(verification_json).collect();
            json!({"verified": found.len() - refused, "refused": refused, "artifacts": artifacts})
        }
    };
    Ok(Outcome::new(text, fields).with_failure(failure))
}

/// Finds keys and bytes, and asks for the verdicts.
fn verifications(flags: &SubjectFlags, context: &Context) -> Result<Vec<Verification>, Failure> {
    let listener = |event| context.progress.take(event);
    let ring = ring(&flags.verdict, context)?;
    let origin = Origin::choose(flags.verdict.from.as_deref(), &context.environment);
    Ok(verify::verify(&subject(flags)?, content(flags.verdict.hash.as_ref())?, &origin, &ring, &listener)?)
}

/// Whose signatures count.
fn ring(verdict: &VerdictFlags, context: &Context) -> Result<Keyring, Failure> {
    let trust = match (&verdict.keyring, verdict.key.as_slice()) {
        (Some(path), _) => Trust::File(path.clone()),
        (None, []) => Trust::Home,
        (None, keys) => Trust::Keys(keys.to_vec()),
    };
    let ring = trust.ring(&context.environment)?;
    for (authority, key) in ring.weak() {
        let fingerprint = key.fingerprint();
        let note = format!("warning: the key {fingerprint} under {authority} is weak and verifies nothing");
        context.progress.take(Event::Note(note));
    }
    Ok(ring)
}

/// `verify --cohort`: the signed index, and everything it lists.
fn cohort(connector: &Ref, verdict: &VerdictFlags, context: &Context) -> Answer {
    let listener = |event| context.progress.take(event);
    let origin = Origin::choose(verdict.from.as_deref(), &context.environment);
    let (cohort, judged) = verify::cohort(connector, &origin, &ring(verdict, context)?, &listener)?;
    let row = |verification: &Verification| {
        let (size, outcome) = match &verification.verdict {
            Ok(verified) => (verified.size().map_or("-".to_owned(), grouped), "verified, as listed".to_owned()),
            Err(error) => ("-".to_owned(), format!("refused: {}: {error}", error.class())),
        };
        vec![verification.subject.clone(), size, outcome]
    };
    let rows: Vec<Vec<String>> = judged.iter().map(row).collect();
    let head = format!(
        "cohort of {connector}, from commit {}\n  signed by     {}\n\n",
        printable(&cohort.commit.to_string()),
        cohort.key
    );
    let text = head + &table(&["artifact", "bytes", "verdict"], &rows);
    // What is refused for good comes before what may still be published.
    let mut bad: Vec<&VerificationError> =
        judged.iter().filter_map(|verification| verification.verdict.as_ref().err()).collect();
    let refused = bad.len();
    bad.sort_by_key(|error| (error.is_retriable(), error.class() == Class::FetchFailed));
    let failure = bad.first().map(|error| match refused {
        1 => of_judge(error),
        _ => of_judge(error).evidence(format!("  the first of {refused} artifacts that are not as listed")),
    });
    let artifacts: Vec<Value> = judged.iter().map(verification_json).collect();
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
fn rebuild(flags: &SubjectFlags, context: &Context) -> Answer {
    let found = verifications(flags, context)?;
    let [Verification { verdict: Ok(verified), .. }] = found.as_slice() else {
        return match found.into_iter().find_map(|verification| verification.verdict.err()) {
            Some(error) => Err(of_judge(&error)),
            None => Err(Failure::usage("--rebuild compares one connector; a directory holds many archives")),
        };
    };
    let allow = rules::waivers().collect();
    let version = verified.reference().version.clone();
    let request = BuildFlags { allow, ..BuildFlags::default() }.request(version, context.repository.clone());
    let request = ReleaseRequest { dirty: DirtyTree::Ignored, ..request };
    let rebuilt = context.with_world(|world| release::rebuild(verified, &request, world))?;
    let Some(rebuilt) = rebuilt else {
        return Err(Failure::usage("an action is not built; --rebuild compares a connector"));
    };
    let text = format!("{}  rebuilt       {} from commit {}\n", verified_text(verified), rebuilt.built, rebuilt.commit);
    let mut fields = verification_json(&found[0]);
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

/// A Ref has `://`; everything else is a path.
fn subject(flags: &SubjectFlags) -> Result<Subject, Failure> {
    let wanted = flags.verdict.reference.as_deref().map(reference).transpose()?;
    if flags.subject.contains("://") {
        let reference = reference(&flags.subject)?;
        return match &wanted {
            Some(wanted) if *wanted != reference => {
                Err(Failure::usage(format!("{reference} cannot be verified as {wanted}")))
            }
            _ => Ok(Subject::Reference(reference)),
        };
    }
    let path = PathBuf::from(&flags.subject);
    if path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip")) && path.is_file() {
        return Err(Failure::usage(format!("{} is a zip file, not an aileron.tar.gz", printable(&flags.subject)))
            .next("aileron-pub aegis verify FILE, for a bundle of Squad Aegis"));
    }
    if !path.is_dir() {
        return Ok(Subject::File { path, reference: wanted });
    }
    if wanted.is_some() || flags.verdict.hash.is_some() {
        return Err(Failure::usage("--as and --hash say what one archive must be; a directory holds many"));
    }
    Ok(Subject::Directory(path))
}
