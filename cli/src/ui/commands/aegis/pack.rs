//! `aegis pack`: a staging directory, or a repository that is built first, becomes a bundle.

use std::path::PathBuf;

use aileron_verifier::aegis::DEFAULT_UPLOAD_LIMIT;
use aileron_verifier::aegis::time::GoDuration;
use clap::Args;
use serde_json::json;

use super::{build, check};
use crate::event::counted;
use crate::publisher::aegis::build::{BuildRequest, Built, build as build_bundle};
use crate::publisher::aegis::check::{LONGEST_ZIP, is_repository};
use crate::publisher::aegis::earlier;
use crate::publisher::aegis::pack::{self, Packed, Signing};
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::grouped;
use crate::ui::report::{Failure, Outcome};

/// Pack a staging directory (manifest.json and bin/) into a bundle, and sign it.
///
/// A directory with go.mod is a repository: it is built first, as `aegis build` does, and stays as it is. The same files give
/// the same zip on every machine. Checksums that are REPLACE_WITH_BINARY_SHA256 are filled in the packed copy. The bundle is
/// checked, and read back strictly, before it is written. Where an earlier bundle stands in its place, a warning says when hosts
/// that have that one would not take the new signature.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis pack dist --out hello.zip --sign --key-id ops-key-2026-q1 --key ~/aegis.key",
    "aileron-pub aegis pack dist --out hello.zip --sign --key-id ops-key-2026-q1 --valid-for 4380h",
    "aileron-pub aegis pack dist --out hello-unsigned.zip"
))]
pub(crate) struct Pack {
    /// The staging directory, or a repository.
    directory: PathBuf,
    /// Where the zip file goes; one that is there is replaced.
    #[arg(long, value_name = "ZIP")]
    out: PathBuf,
    /// Sign it; without this, hosts take it only when they allow unsafe sideloads.
    #[arg(long, requires = "key_id")]
    sign: bool,
    /// Label of the key, as hosts store and revoke it.
    #[arg(long, value_name = "ID", requires = "sign")]
    key_id: Option<String>,
    /// How long the signature counts, as a Go duration.
    #[arg(long, value_name = "DURATION", default_value = "8760h", requires = "sign", allow_hyphen_values = true)]
    valid_for: GoDuration,
    /// The private key: PEM, or the pair of `aegis keys generate` [default: AILERON_SIGNING_KEY, then the keychain].
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
    /// The bundle that hosts have, to compare with [default: the one in the place of --out, if any].
    #[arg(long, value_name = "ZIP")]
    against: Option<PathBuf>,
    /// The upload limit of the hosts that are meant, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_UPLOAD_LIMIT)]
    max_upload_size: u64,
}

impl Verb for Pack {
    fn run(self, context: &Context) -> Answer {
        let key_id = self.key_id.as_deref().filter(|_| self.sign);
        let key = match key_id {
            None => None,
            Some(id) => {
                context.may_sign()?;
                pack::key_id(id)?;
                Some(super::signing_key(context, self.key.as_deref())?)
            }
        };
        let signing = key.as_ref().zip(key_id).map(|(key, key_id)| Signing {
            key,
            key_id,
            valid_for: self.valid_for,
            now: super::now(context),
        });
        let earlier = match &self.against {
            Some(zip) => Some(disk::read(zip, LONGEST_ZIP)?),
            None => disk::read_if_there(&self.out, LONGEST_ZIP)?,
        };
        let (mut packed, built) = self.packed(signing.as_ref(), context)?;
        if let Some(earlier) = earlier.filter(|_| packed.claims.is_some()) {
            earlier::compare(&packed.zip, &earlier, &self.out.display().to_string(), &mut packed.findings);
        }
        disk::write_beside(&self.out, &packed.zip).map_err(Failure::from)?;
        let warnings = packed.findings.problems.len();
        let mut text = if warnings > 0 { check::text(&packed.findings, 0, warnings) } else { String::new() };
        text.push_str(&format!(
            "packed {}\n  size          {} bytes\n",
            self.out.display(),
            grouped(packed.zip.len() as u64)
        ));
        text.push_str(&built.as_ref().map(build::render).unwrap_or_default());
        if packed.filled > 0 {
            text.push_str(&format!("  filled in     {}\n", counted(packed.filled, "checksum")));
        }
        match (&packed.claims, &key) {
            (Some(claims), Some(key)) => text.push_str(&format!(
                "  signed        {} with key {} ({})\n  counts until  {}: a host that starts later quarantines it\n  trust line    {}\n",
                claims.signed_at,
                claims.key_id,
                key.public().hex_fingerprint(),
                claims.expires_at,
                key.public().to_base64(),
            )),
            _ => text.push_str("  not signed    hosts take it only with allow_unsafe_sideload and confirm_unsafe=true\n"),
        }
        let public = key.as_ref().map(|key| key.public());
        let mut fields = json!({
            "bundle": self.out.display().to_string(),
            "size": packed.zip.len(),
            "filled": packed.filled,
            "signed": packed.claims.is_some(),
            "key_id": packed.claims.as_ref().map(|claims| &claims.key_id),
            "signed_at": packed.claims.as_ref().map(|claims| claims.signed_at.to_string()),
            "expires_at": packed.claims.as_ref().map(|claims| claims.expires_at.to_string()),
            "public_key": public.map(|key| key.to_base64()),
            "fingerprint": public.map(|key| key.hex_fingerprint()),
            "problems": check::fields(&packed.findings, 0, warnings)["problems"],
        });
        if let Some(built) = &built {
            fields["built"] = build::fields(built);
        }
        Ok(Outcome::new(text, fields))
    }
}

impl Pack {
    /// The bundle, and what was built for it where the directory is a repository.
    fn packed(&self, signing: Option<&Signing<'_>>, context: &Context) -> Result<(Packed, Option<Built>), Failure> {
        if !is_repository(&self.directory) {
            return Ok((pack::pack(&self.directory, signing, self.max_upload_size)?, None));
        }
        let request = BuildRequest {
            repository: &self.directory,
            targets: &[],
            package: None,
            keep_symbols: false,
            limit: self.max_upload_size,
            out: None,
        };
        let listener = |event| context.progress.take(event);
        let mut built = build_bundle(&request, context.spawner(), &listener)?;
        let files = std::mem::take(&mut built.files);
        let name = self.out.display().to_string();
        let mut packed = pack::pack_files(&name, files, signing, self.max_upload_size)?;
        packed.filled = built.filled;
        let findings = std::mem::take(&mut built.findings);
        packed.findings = findings.and(packed.findings);
        Ok((packed, Some(built)))
    }
}
