//! `pack`: signed, proven archives in a local directory; nothing is published.

use std::path::PathBuf;

use aileron_verifier::name::version::Version;
use clap::Args;
use serde_json::{Value, json};

use super::{Answer, Context, Verb};
use crate::publisher::release::{self, Proven};
use crate::sys::disk;
use crate::ui::args::{ReleaseFlags, SigningFlags, examples};
use crate::ui::report::table::{grouped, short, table};
use crate::ui::report::{Failure, Outcome};

/// Build, sign and pack everything into DIR, without publishing it.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub pack v0.1.0 --key ../publisher.key --out ../archives"
))]
pub(crate) struct Pack {
    /// What to build, and as which version.
    #[command(flatten)]
    release: ReleaseFlags,
    /// Who signs.
    #[command(flatten)]
    signing: SigningFlags,
    /// Where the archives go, laid out by tag [default: dist/VERSION in the repository].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Verb for Pack {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let version = self.release.version.clone();
        let out = self.out.map_or_else(|| context.dist(version.as_str()), Ok)?;
        let mut request = self.release.request(context.repository.clone());
        request.key = self.signing.key;
        let proven = context.with_world(|world| release::make(&request, world))?;
        let connector = proven.release.tag();
        let archives = proven.artifacts().map(|artifact| (&artifact.tag, &artifact.archive));
        for (tag, asset) in archives.chain(proven.beside_connector().map(|extra| (&connector, extra))) {
            disk::write(&out.join(tag.as_str()).join(asset.name), &asset.bytes).map_err(Failure::from)?;
        }
        let text = format!("{}written to {}\n", artifacts_text(&proven, "packed"), out.display());
        Ok(Outcome::new(
            text,
            json!({
                "version": version,
                "out": out.display().to_string(),
                "key": proven.signer(),
                "content_hash": proven.content,
                "artifacts": artifacts_json(&proven, "packed"),
            }),
        ))
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.release.version)
    }
}

/// The closing table. The connector has a content hash; an action pins the connector's.
pub(super) fn artifacts_text(proven: &Proven, verdict: &str) -> String {
    let rows: Vec<Vec<String>> = proven
        .artifacts()
        .map(|artifact| {
            let name = artifact.reference.name.subpath().unwrap_or(artifact.reference.name.repo()).to_owned();
            let content = artifact.content.map_or_else(|| "-".to_owned(), short);
            let size = grouped(artifact.archive.bytes.len() as u64);
            vec![name, artifact.tag.to_string(), content, short(artifact.archive.digest), size, verdict.to_owned()]
        })
        .collect();
    let table = table(&["artifact", "tag", "content hash", "archive digest", "bytes", "verdict"], &rows);
    format!("{table}content hash {}\nsigned by    {}\n", proven.content, proven.signer())
}

pub(super) fn artifacts_json(proven: &Proven, verdict: &str) -> Value {
    let artifact = |artifact: &crate::publisher::release::Artifact| {
        json!({
            "fqn": artifact.reference.name,
            "tag": artifact.tag,
            "content_hash": artifact.content,
            "archive": {"sha256": artifact.archive.digest, "size": artifact.archive.bytes.len()},
            "verdict": verdict,
        })
    };
    proven.artifacts().map(artifact).collect()
}
