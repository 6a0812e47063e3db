//! `aegis upload`: a bundle goes to a host.

use std::path::PathBuf;

use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::{DEFAULT_SKEW, Kind};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::{Value, json};

use super::verify;
use crate::event::Event;
use crate::publisher::aegis::check::LONGEST_ZIP;
use crate::publisher::aegis::upload::answer::{InstallState, Record};
use crate::publisher::aegis::upload::before::{self, ExpectedHost, Promising};
use crate::publisher::aegis::upload::{self, HostAddress};
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, OnInterrupt, Verb};
use crate::ui::report::table::grouped;
use crate::ui::report::{Exit, Failure, Outcome};

/// Upload a bundle to a Squad Aegis host, and say whether it runs there.
///
/// What the host would refuse is refused here first, by the code of `aegis verify`: size, archive, manifest, checksums,
/// signature. Whether the host trusts the key is the host's to say, unless --trust says it. The session token is sent to the
/// address of --to and nowhere else. Exit code 3 when the bundle is refused, 5 when the host has to be restarted, or when the
/// same command is to be run again.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis upload hello.zip --to https://aegis.example.com --token-file ~/aegis.token",
    "pass show aegis | aileron-pub aegis upload hello.zip --to https://aegis.example.com --token-file -",
    "aileron-pub aegis upload hello.zip --to http://localhost:3113 --token-file ~/aegis.token --confirm-unsafe",
    "aileron-pub aegis upload hello.zip --to https://aegis.example.com --dry-run"
))]
pub(crate) struct Upload {
    /// The zip file.
    bundle: PathBuf,
    /// The host's base address: https, or http for this machine.
    #[arg(long, value_name = "URL")]
    to: String,
    /// File with the session token of a super admin; - reads it from standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    token_file: Option<PathBuf>,
    /// Have it installed even though its signature does not count; the host must allow unsafe sideloads.
    #[arg(long)]
    confirm_unsafe: bool,
    /// Check it as the host would, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// The endpoint: plugin or connector [default: what its manifest says].
    #[arg(long = "as", value_name = "KIND", value_parser = verify::kind)]
    kind: Option<Kind>,
    /// The host's system and architecture [default: each that the bundle is for].
    #[arg(long, value_name = "OS/ARCH", value_parser = verify::system)]
    host: Option<(String, String)>,
    /// The host's trusted_signing_keys: the line itself, or a file that holds it [default: the host is asked].
    #[arg(long, value_name = "FILE|LINE")]
    trust: Option<String>,
    /// The host's max_upload_size, in bytes; 0 means its default.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    max_upload_size: i64,
}

impl Verb for Upload {
    fn run(self, context: &Context) -> Answer {
        let host = HostAddress::of(&self.to)?;
        let zip = disk::read(&self.bundle, LONGEST_ZIP)?;
        let kind = self.kind.unwrap_or_else(|| before::kind_of(&zip));
        let expected = ExpectedHost {
            trusted: self.trust.as_deref().map(|given| verify::trust(Some(given))).transpose()?,
            now: super::now(context),
            skew: DEFAULT_SKEW,
            system: self.host.clone(),
            max_upload_size: self.max_upload_size,
            confirm_unsafe: self.confirm_unsafe,
        };
        let promising = before::check(&zip, kind, &expected)?;
        let name = self.bundle.display().to_string();
        let mut fields = json!({
            "bundle": name,
            "to": host.shown(),
            "kind": kind.as_str(),
            "id": promising.id,
            "version": promising.version,
            "size": zip.len(),
            "signature": promising.signature,
            "trust_known": promising.is_trust_known,
            "looked_at_as": promising.systems,
            "dry_run": self.dry_run,
        });
        let size = grouped(zip.len() as u64);
        let about = about(&promising);
        let Some(file) = self.token_file.as_deref().filter(|_| !self.dry_run) else {
            let systems = promising.systems.join(", ");
            let text = format!("{about}  would be taken on {systems}\nnothing was sent to {}\n", host.shown());
            return Ok(Outcome::new(text, fields));
        };
        let token = upload::token(file)?;
        context.progress.take(Event::Begin { step: format!("uploading {size} bytes to {}", host.shown()), total: 0 });
        let record = upload::upload(zip.into(), kind, &host, &token, self.confirm_unsafe)?;
        context.progress.take(Event::End { outcome: record.state.as_str().to_owned() });
        let kept = kept(&promising, &record);
        describe(&mut fields, &record, kept.is_some());
        let text = format!("{about}{}{}", told(&record), kept.unwrap_or_default());
        let text = match &record.state {
            InstallState::Ready => format!("uploaded {} to {}\n{text}{}", printable(&name), host.shown(), next(kind)),
            _ => text,
        };
        Ok(Outcome::new(text, fields).with_failure(unready(kind, &record)))
    }

    /// Nothing here is half-written; what the host makes of half a request is its own.
    fn on_interrupt(&self) -> OnInterrupt {
        OnInterrupt::Exit
    }
}

fn about(promising: &Promising) -> String {
    let Promising { kind, id, version, signature, .. } = promising;
    let signature = match &promising.claims {
        Some(claims) if !promising.is_trust_known => {
            format!("good, by key {}; whether the host trusts that key, it says itself", printable(&claims.key_id))
        }
        _ => (*signature).to_owned(),
    };
    let (id, version) = (printable(id), printable(version));
    format!("  {:<12}  {id} {version}\n  signature     {signature}\n", kind.as_str())
}

/// The package as the host has it.
fn told(record: &Record) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text.push_str(&format!("  {name:<12}  {}\n", printable(value)));
    field("state", record.state.as_str());
    if let Some(system) = &record.system {
        field("host", system);
    }
    let trust = match (record.is_verified, record.is_unsafe) {
        (true, _) => "verified by the host",
        (false, true) => "not verified: installed as unsafe",
        (false, false) => "not verified",
    };
    field("trust", trust);
    if let Some(expires) = &record.expires_at {
        field("expires", &format!("{expires}: a host that starts later quarantines it"));
    }
    text
}

/// A host keeps the package it has, with its old signature, where id, version and bytes are the same. aegis-bundle.md §15, item 9.
fn kept(promising: &Promising, record: &Record) -> Option<String> {
    let claims = promising.claims.as_ref()?;
    let key_id = record.key_id.as_ref()?;
    let signed_at = record.signed_at.as_deref().and_then(|text| Instant::read(text).ok());
    let is_same_time = signed_at.is_none_or(|at| at.whole_seconds() == claims.signed_at.whole_seconds());
    if *key_id == claims.key_id && is_same_time {
        return None;
    }
    Some(format!(
        "warning: the host kept the package it had, signed with key {}: raise the version to replace its signature\n",
        printable(key_id)
    ))
}

fn next(kind: Kind) -> &'static str {
    match kind {
        Kind::Plugin => "next: add it to a server on that server's plugins page\n",
        Kind::Connector => "next: configure an instance of it on the connectors page\n",
    }
}

fn describe(fields: &mut Value, record: &Record, kept: bool) {
    fields["state"] = json!(record.state.as_str());
    fields["last_error"] = json!(record.last_error);
    fields["signature_verified"] = json!(record.is_verified);
    fields["unsafe"] = json!(record.is_unsafe);
    fields["key_id"] = json!(record.key_id);
    fields["signed_at"] = json!(record.signed_at);
    fields["expires_at"] = json!(record.expires_at);
    fields["host"] = json!(record.system);
    fields["kept_the_old_record"] = json!(kept);
}

/// A package that was taken and cannot be used: HTTP 200 all the same. aegis-bundle.md §11.3.
fn unready(kind: Kind, record: &Record) -> Option<Failure> {
    let said = record.last_error.as_deref().unwrap_or("no reason given");
    match &record.state {
        InstallState::Ready => None,
        InstallState::PendingRestart => Some(
            Failure::new(
                Class::Incomplete,
                Exit::Incomplete,
                format!("the host has the {kind}, and runs the old one until it is restarted"),
            )
            .evidence(format!("  the host says: {said}"))
            .next("restart Squad Aegis; the same command then says whether it is ready"),
        ),
        InstallState::Error => Some(
            Failure::new(
                Class::PublishFailed,
                Exit::Failure,
                format!("the host has the {kind}, and it does not run: {said}"),
            )
            .next(cure(said)),
        ),
        state => Some(Failure::new(
            Class::PublishFailed,
            Exit::Failure,
            format!("the host has the {kind} in state {}: {said}", state.as_str()),
        )),
    }
}

/// What to do about a package in state `error`, by the host's texts. aegis-bundle.md §14.1, §3.3, §8.5.
fn cure(said: &str) -> &'static str {
    match said {
        _ if said.contains("subprocess reported id") => {
            "let GetDefinition return exactly the manifest's id, build and pack again, then upload it"
        }
        _ if said.contains("collides with connector") => {
            "give the connector another instance_key and other legacy_ids, then pack and upload it again"
        }
        _ if said.contains("checksum mismatch") || said.contains("exceeds maximum allowed size") => {
            "upload it again: the file on the host is not the one of the bundle"
        }
        _ if said.contains("signature") => {
            "sign it again under a new version, with a key that the host trusts, and upload that"
        }
        _ => "start it on this machine: aileron-pub aegis try BUNDLE; the host's log has its output",
    }
}
