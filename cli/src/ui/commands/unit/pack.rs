//! `unit pack`: Features as archives in a local directory; nothing is published.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::packing::{Packed, features_in, here, pack};
use crate::publisher::unit::archive;
use crate::publisher::unit::artifact::{COLLECTION, collection};
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::{grouped, short, table};
use crate::ui::report::{Outcome, shown};

/// Check a Feature and pack it into DIR, without publishing it.
///
/// The archive is the same bytes each time. Beside it goes devcontainer-collection.json, the list of all that was packed.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub unit pack gh --out dist", "aileron-pub unit pack src --out dist"))]
pub(crate) struct Pack {
    /// The Feature's folder, or a directory of such folders.
    #[arg(value_name = "FEATURE")]
    dir: PathBuf,
    /// Where the archives go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Verb for Pack {
    fn run(self, context: &Context) -> Answer {
        let packed = features_in(&here(&self.dir, context))?
            .iter()
            .map(|dir| pack(dir, None, context))
            .collect::<Result<Vec<_>, _>>()?;
        for packed in &packed {
            disk::write(&self.out.join(archive::name(&packed.feature.id)), packed.archive())?;
        }
        let features: Vec<_> = packed.iter().map(|packed| packed.feature.clone()).collect();
        disk::write(&self.out.join(COLLECTION), &collection(&features))?;
        let rows: Vec<Vec<String>> = packed.iter().map(row).collect();
        let table = table(&["feature", "version", "archive", "bytes", "files"], &rows);
        let text = format!("{table}written to {}\n", shown(&self.out));
        let fields = json!({
            "out": shown(&self.out),
            "collection": COLLECTION,
            "features": packed.iter().map(of_packed).collect::<Vec<_>>(),
        });
        Ok(Outcome::new(text, fields))
    }
}

fn row(packed: &Packed) -> Vec<String> {
    let Packed { feature, .. } = packed;
    let digest = packed.artifact.blobs.last().map(|layer| short(layer.digest)).unwrap_or_default();
    let (bytes, files) = (grouped(packed.archive().len() as u64), grouped(feature.files.len() as u64));
    vec![feature.id.clone(), feature.version.to_string(), digest, bytes, files]
}

fn of_packed(packed: &Packed) -> Value {
    let Packed { feature, artifact } = packed;
    let paths: Vec<&str> = feature.files.iter().map(|file| &*file.path).collect();
    json!({
        "id": feature.id,
        "version": feature.version,
        "file": archive::name(&feature.id),
        "sha256": artifact.blobs.last().map(|layer| layer.digest),
        "size": packed.archive().len(),
        "files": paths,
    })
}
