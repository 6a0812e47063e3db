//! A verdict as text and as JSON.

use std::path::Path;

use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::problem::{Problem, Waiver};
use aileron_verifier::text::{listed, printable_within};
use serde_json::{Value, json};

use crate::consumer::verify::Verification;
use crate::event::counted;
use crate::ui::report::problem_json;
use crate::ui::report::table::{grouped, table};

pub(super) fn verified_text(verified: &Verified) -> String {
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

pub(super) fn directory_table(directory: &Path, verifications: &[Verification]) -> String {
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
    table(&["artifact", "archive", "bytes", "verdict"], &verifications.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn verification_json(verification: &Verification) -> Value {
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
