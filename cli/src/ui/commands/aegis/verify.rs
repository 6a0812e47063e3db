//! `aegis verify`: a host's verdict on a bundle, told before an upload.

use std::path::{Path, PathBuf};

use aileron_verifier::aegis::start::{AtStart, Stored, at_start};
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::{Examined, Host, examine};
use aileron_verifier::aegis::verify::{Gate, HostTrust, Outcome as Verdict, Unverified};
use aileron_verifier::aegis::{DEFAULT_SKEW, Kind};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::{Value, json};

use crate::publisher::aegis::check::LONGEST_ZIP;
use crate::publisher::aegis::upload::before::kind_of;
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::grouped;
use crate::ui::report::{Exit, Failure, Outcome, of_gate};

/// Say what a Squad Aegis host would answer to an upload of this bundle, and why.
///
/// The verdict is the host's, with its tolerances and its texts; the class names the cause where the host does not. Without
/// --trust only the host's built-in key is trusted. Exit code 3 when the host would refuse the bundle.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis verify hello.zip --trust dist/manifest.pub",
    "aileron-pub aegis verify hello.zip --trust trusted.txt --crl revoked-key-ids.json --host linux/arm64",
    "aileron-pub aegis verify hello.zip --trust trusted.txt --at-start --now 2027-06-01T00:00:00Z"
))]
pub(crate) struct Verify {
    /// The zip file.
    bundle: PathBuf,
    /// The host's trusted_signing_keys: the line itself, or a file that holds it.
    #[arg(long, value_name = "FILE|LINE")]
    trust: Option<String>,
    /// The host's revocation file.
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
    /// The host's clock [default: this machine's].
    #[arg(long, value_name = "TIME", value_parser = super::instant)]
    now: Option<Instant>,
    /// The host's signature_clock_skew_seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_SKEW, allow_negative_numbers = true)]
    skew: i64,
    /// The host's system and architecture, in Go's names.
    #[arg(long, value_name = "OS/ARCH", default_value = "linux/amd64", value_parser = system)]
    host: (String, String),
    /// The endpoint it is uploaded to: plugin or connector [default: what its manifest says].
    #[arg(long = "as", value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// The host allows unsafe sideloads.
    #[arg(long = "unsafe")]
    allow_unsafe: bool,
    /// The upload says confirm_unsafe=true.
    #[arg(long)]
    confirm: bool,
    /// Also say what a starting host makes of it, once it was installed.
    #[arg(long)]
    at_start: bool,
    /// The host's max_upload_size, in bytes; 0 means its default.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    max_upload_size: i64,
}

pub(super) fn system(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((os, arch)) if !os.is_empty() && !arch.is_empty() => Ok((os.to_owned(), arch.to_owned())),
        _ => Err("write OS/ARCH, as in linux/arm64".to_owned()),
    }
}

pub(super) fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "plugin" => Ok(Kind::Plugin),
        "connector" => Ok(Kind::Connector),
        _ => Err("write plugin or connector".to_owned()),
    }
}

impl Verb for Verify {
    fn run(self, context: &Context) -> Answer {
        let zip = disk::read(&self.bundle, LONGEST_ZIP)?;
        let trusted = trust(self.trust.as_deref())?;
        let skipped: Vec<String> = trusted.skipped().iter().map(|piece| printable(piece).into_owned()).collect();
        let host = Host {
            trust: HostTrust {
                trusted,
                revoked: revoked(self.crl.as_deref())?,
                now: self.now.unwrap_or_else(|| super::now(context)),
                skew: self.skew,
            },
            os: self.host.0.clone(),
            arch: self.host.1.clone(),
            max_upload_size: self.max_upload_size,
            allow_unsafe: self.allow_unsafe,
            confirm_unsafe: self.confirm,
        };
        let kind = self.kind.unwrap_or_else(|| kind_of(&zip));
        let name = self.bundle.display().to_string();
        let mut fields = json!({"bundle": name, "kind": kind.as_str(), "skipped_keys": skipped});
        let examined = match examine(&zip, kind, &host) {
            Ok(examined) => examined,
            Err(error) => {
                fields["accepted"] = json!(false);
                fields["host_text"] = json!(error.to_string());
                return Ok(Outcome::new(warnings(&skipped), fields).with_failure(Some(Failure::from(&error))));
            }
        };
        let was_verified = examined.verdict.is_verified()
            || matches!(
                examined.verdict.outcome(),
                Verdict::Unverified(Unverified::Expired | Unverified::RevokedKeyId | Unverified::RevokedFingerprint)
            );
        // What no upload ever got past is not there at a start; what expired or was revoked since may be.
        let may_be_installed = examined.gate.refusal().is_none() || was_verified;
        let start = (self.at_start && may_be_installed).then(|| {
            let material = examined.material();
            at_start(&Stored { kind, material, was_verified, allow_unsafe: self.allow_unsafe }, &host.trust)
        });
        let text = warnings(&skipped) + &text(&name, &examined, start.as_ref());
        describe(&mut fields, &examined, start.as_ref());
        let failure = of_gate(&examined).or_else(|| start.as_ref().and_then(quarantine));
        Ok(Outcome::new(text, fields).with_failure(failure))
    }
}

pub(super) fn trust(given: Option<&str>) -> Result<TrustStore, Failure> {
    let Some(given) = given else { return Ok(TrustStore::read("")) };
    let path = Path::new(given);
    if !path.is_file() {
        return Ok(TrustStore::read(given));
    }
    let line = disk::read(path, super::LONGEST)?;
    Ok(TrustStore::read(&String::from_utf8_lossy(&line)))
}

fn revoked(file: Option<&Path>) -> Result<Revocations, Failure> {
    let Some(file) = file else { return Ok(Revocations::default()) };
    Revocations::read(&disk::read(file, super::LONGEST)?).map_err(|error| {
        Failure::new(Class::ParseError, Exit::Failure, format!("{}: {error}", file.display()))
            .next("correct it: a host keeps the list it had, which at its start is empty, so nothing is revoked")
    })
}

fn warnings(skipped: &[String]) -> String {
    skipped.iter().map(|piece| format!("warning: {piece} is not a public key; the host skips it\n")).collect()
}

fn text(name: &str, examined: &Examined, start: Option<&AtStart>) -> String {
    let Examined { manifest, target, verdict, .. } = examined;
    let mut text = format!("{}\n", printable(name));
    let mut field = |name: &str, value: &str| text.push_str(&format!("  {name:<14}{}\n", printable(value)));
    field(manifest.kind.as_str(), &format!("{} {}", manifest.id, manifest.version));
    let library = format!("{} ({} bytes)", examined.library, grouped(examined.library_size));
    field("target", &format!("{}/{}, {library}", target.target_os, target.target_arch));
    field("signature", verdict.outcome().name());
    if let Some(claims) = verdict.claims() {
        field("key id", &claims.key_id);
        field("signed", &claims.signed_at.to_string());
        field("expires", &claims.expires_at.to_string());
    }
    if !verdict.is_wrapper_canonical() {
        field("warning", "manifest.signed.json is not in canonical form; hosts take it, a publisher never writes it");
    }
    let answer = match &examined.gate {
        Gate::Install => "installs it, verified".to_owned(),
        Gate::InstallUnsafe => "installs it, marked as unsafe".to_owned(),
        // Its words are the command's error, whole.
        _ => "refuses it".to_owned(),
    };
    field("host", &answer);
    if let Some(start) = start {
        field("at its start", &started(start));
    }
    text
}

fn started(start: &AtStart) -> String {
    match start {
        AtStart::Ready { verified: true } => "ready, verified".to_owned(),
        AtStart::Ready { verified: false } => "ready, not verified".to_owned(),
        AtStart::Quarantined(reason) => format!("quarantined: {reason}"),
        AtStart::NotKept(why) => format!("never got into its database: {why}"),
    }
}

fn describe(fields: &mut Value, examined: &Examined, start: Option<&AtStart>) {
    let Examined { manifest, target, verdict, gate, .. } = examined;
    let claims = verdict.claims();
    fields["accepted"] = json!(gate.refusal().is_none());
    fields["host_text"] = json!(gate.refusal());
    fields["id"] = json!(manifest.id);
    fields["version"] = json!(manifest.version);
    fields["target"] = json!({
        "os": target.target_os,
        "arch": target.target_arch,
        "library": examined.library,
        "size": examined.library_size,
    });
    fields["signature"] = json!({
        "class": verdict.outcome().name(),
        "verified": verdict.is_verified(),
        "reason": verdict.reason(),
        "key_id": claims.map(|claims| &claims.key_id),
        "signed_at": claims.map(|claims| claims.signed_at.to_string()),
        "expires_at": claims.map(|claims| claims.expires_at.to_string()),
        "canonical_wrapper": verdict.is_wrapper_canonical(),
    });
    fields["gate"] = json!(gate.name());
    if let Some(start) = start {
        let state = match start {
            AtStart::Ready { .. } => "ready",
            AtStart::Quarantined(_) => "error",
            AtStart::NotKept(_) => "not_kept",
        };
        fields["at_start"] = json!({"state": state, "text": started(start)});
    }
}

/// What a starting host would put into state `error`.
fn quarantine(start: &AtStart) -> Option<Failure> {
    let failure = |message: String| Failure::new(Class::SignatureFailure, Exit::Refused, message);
    match start {
        AtStart::Ready { .. } => None,
        AtStart::Quarantined(reason) => Some(
            failure(format!("a starting host quarantines it: {reason}"))
                .next("upload it signed anew, as a new version"),
        ),
        AtStart::NotKept(why) => Some(
            failure(format!("the host's database does not keep its manifest: {why}"))
                .next("aileron-pub aegis check BUNDLE, for the place"),
        ),
    }
}
