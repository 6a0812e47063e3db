//! `unit push` of a directory of Features: each of them, and the list of the collection. cli-unit.md §12.4.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::packing::{Packed, pack};
use super::push::{Push, of_step, private, told, visibility_word};
use crate::event::{Event, counted};
use crate::github::WaitPolicy;
use crate::publisher::forge::registry::{
    Access, Artifact, Reference, Registry, RegistryError, Repository, TagPlan, Visibility, apply, confirm, credential,
    plan_push,
};
use crate::publisher::unit::artifact::collection_artifact;
use crate::publisher::unit::collection::{self, CollectionPlan};
use crate::publisher::unit::folder::Feature;
use crate::sys::http::Web;
use crate::ui::commands::{Answer, Context};
use crate::ui::report::table::table;
use crate::ui::report::{Failure, Outcome};

/// One repository of the collection: a Feature's, or last that of the list.
struct Part<'a> {
    repository: Repository,
    artifact: &'a Artifact,
    plan: TagPlan,
    sent: usize,
    visibility: Option<Visibility>,
}

impl Push {
    /// Everything is checked, packed and compared with what is published before the first write.
    pub(super) fn push_collection(&self, dirs: &[PathBuf], target: &Reference, context: &Context) -> Answer {
        let Reference { repository: namespace, at } = target;
        if at.is_some() {
            let message = format!("{target} has a tag: each Feature has those of its own version");
            return Err(Failure::usage(message).next(format!("leave it out: {namespace}")));
        }
        let packed = dirs.iter().map(|dir| pack(dir, Some(namespace), context)).collect::<Result<Vec<_>, _>>()?;
        let features: Vec<Feature> = packed.iter().map(|packed| packed.feature.clone()).collect();
        let list = collection_artifact(&features, namespace);
        let (parts, planned) = self.push_parts(namespace, &packed, &features, &list, context)?;
        Ok(self.report_collection(namespace, &parts, &packed, &planned))
    }

    fn push_parts<'a>(
        &self,
        namespace: &Repository,
        packed: &'a [Packed],
        features: &[Feature],
        list: &'a Artifact,
        context: &Context,
    ) -> Result<(Vec<Part<'a>>, CollectionPlan), RegistryError> {
        let listener = |event| context.progress.take(event);
        let (web, longest, plain_http) = (Web::default(), self.login.max_wait, self.login.plain_http);
        let waiting = WaitPolicy { clock: &*context.clock, stop: context.stop, listener: &listener, longest };
        let found = credential::find(&self.login.credential(), namespace, context.spawner())?;
        if let Some(found) = &found {
            listener(Event::Note(format!("logging in to {} with {}", namespace.registry(), found.origin)));
        }
        let credential = found.as_ref().map(|found| &found.credential);
        let registry = |repository: &Repository, access| {
            let credential = credential.filter(|_| access == Access::PullPush);
            Registry::new(&web, repository, plain_http, credential, access, &waiting)
        };
        let mut parts = Vec::new();
        for Packed { feature, artifact } in packed {
            let repository = namespace.below(&feature.id);
            let publisher = registry(&repository, Access::PullPush)?;
            let plan = plan_push(&publisher, artifact, &feature.version, &feature.tags)?;
            parts.push((publisher, Part { repository, artifact, plan, sent: 0, visibility: None }));
        }
        let publisher = registry(namespace, Access::PullPush)?;
        let planned = collection::plan(&publisher, list, features)?;
        let (repository, plan) = (namespace.clone(), planned.tags.clone());
        parts.push((publisher, Part { repository, artifact: list, plan, sent: 0, visibility: None }));
        if !self.dry_run {
            for (publisher, part) in &mut parts {
                part.sent = apply(publisher, part.artifact, &part.plan, &listener)?;
            }
            for (publisher, part) in &mut parts {
                let anybody = registry(&part.repository, Access::Pull)?;
                part.visibility = Some(confirm(&anybody, publisher, part.artifact, &part.plan, &listener)?);
            }
        }
        Ok((parts.into_iter().map(|(_, part)| part).collect(), planned))
    }

    fn report_collection(
        &self,
        namespace: &Repository,
        parts: &[Part<'_>],
        packed: &[Packed],
        planned: &CollectionPlan,
    ) -> Outcome {
        let row = |part: &Part<'_>| -> Vec<Vec<String>> {
            let cells = |(tag, step): &(_, _)| vec![part.repository.to_string(), format!("{tag}"), told(step)];
            part.plan.steps.iter().map(cells).collect()
        };
        let rows: Vec<Vec<String>> = parts.iter().flat_map(row).collect();
        let written: usize = parts.iter().map(|part| part.plan.writes().count()).sum();
        let sent: usize = parts.iter().map(|part| part.sent).sum();
        let mut text = table(&["repository", "tag", "step"], &rows);
        if let Some(id) = &planned.newer {
            text.push_str(&format!("The list of {namespace} stays: it has {id} in a higher version.\n"));
        } else if !planned.gone.is_empty() {
            let (gone, verb) = (planned.gone.join(", "), if self.dry_run { "would lose" } else { "lost" });
            text.push_str(&format!("The list of {namespace} {verb} {gone}, which is not in this directory.\n"));
        }
        text.push_str(&match (self.dry_run, written) {
            (_, 0) => format!("nothing to write: {namespace}\n"),
            (true, _) => format!("would push {} to {namespace}\n", counted(packed.len(), "Feature")),
            (false, _) => format!(
                "pushed {} to {namespace}\n{} sent, {} written\n",
                counted(packed.len(), "Feature"),
                counted(sent, "blob"),
                counted(written, "tag")
            ),
        });
        let part_json = |part: &Part<'_>| {
            json!({
                "to": part.repository.to_string(),
                "digest": part.artifact.digest,
                "tags": part.plan.steps.iter().map(|(tag, step)| of_step(tag.as_str(), step)).collect::<Vec<_>>(),
                "blobs_sent": part.sent,
                "visibility": part.visibility.map(visibility_word),
            })
        };
        let with_feature = |(part, packed): (&Part<'_>, &Packed)| {
            let mut fields = part_json(part);
            fields["id"] = json!(packed.feature.id);
            fields["version"] = json!(packed.feature.version);
            fields
        };
        let mut list = parts.last().map(part_json).unwrap_or_default();
        list["gone"] = json!(planned.gone);
        let fields = json!({
            "to": namespace.to_string(),
            "features": parts.iter().zip(packed).map(with_feature).collect::<Vec<Value>>(),
            "collection": list,
            "dry_run": self.dry_run,
        });
        let is_private = |part: &&Part<'_>| part.visibility == Some(Visibility::Private) && !self.private;
        let failure = parts.iter().find(is_private).map(|part| private(&part.repository.to_string(), &part.repository));
        Outcome::new(text, fields).with_failure(failure)
    }
}
