//! `build`: the module and its content hash, without a key.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Answer, Context, request};
use crate::publisher::release;
use crate::sys::disk;
use crate::ui::args::Build;
use crate::ui::report::table::grouped;
use crate::ui::report::{Failure, Outcome};

pub(super) fn run(args: Build, repository: PathBuf, context: &Context) -> Answer {
    let dist = || match repository.as_path() {
        here if here == Path::new(".") => PathBuf::from("dist/connector.wasm"),
        there => there.join("dist/connector.wasm"),
    };
    let out = args.out.unwrap_or_else(dist);
    let mut request = request(args.making, repository);
    request.allow_dirty = true; // nothing is released: a build may look at work in progress
    let preview = context.with_world(|world| release::preview(&request, world))?;
    disk::write(&out, &preview.wasm).map_err(Failure::from)?;
    let imports =
        if preview.capabilities.imports.is_empty() { "none".into() } else { preview.capabilities.imports.join(", ") };
    let text = format!(
        "{}\n  content hash    {}\n  module          {} ({} bytes)\n  host functions  {imports}\n",
        preview.release,
        preview.content,
        out.display(),
        grouped(preview.wasm_size as u64),
    );
    let fields = json!({
        "reference": preview.release,
        "content_hash": preview.content,
        "wasm": {"path": out.display().to_string(), "size": preview.wasm_size},
        "toolchain": preview.toolchain,
        "capabilities": preview.capabilities,
    });
    Ok(Outcome::new(text, fields))
}
