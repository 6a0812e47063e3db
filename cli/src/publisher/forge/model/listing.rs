//! Pages of releases, assets and refs.

use serde_json::Value;

use super::access::Caller;
use super::{Base, Beyond, GitHub, Release, Response, Timestamp};

impl GitHub {
    /// Youngest first; drafts for those who may push. GitHub Docs, "List releases", and [`super::Listing`] for what the
    /// list leaves out. Beyond the cap only a repository that has so many releases refuses (mislav/hub#2920: with fewer the
    /// page is empty).
    pub(super) fn list_releases(
        &self,
        now: Timestamp,
        base: &Base,
        caller: Caller,
        per_page: usize,
        page: usize,
    ) -> Result<Response, Response> {
        let seen = |release: &&Release| {
            (!release.draft || caller.sees_drafts()) && now.since(release.created) >= self.listing.lag
        };
        let mut releases: Vec<&Release> = self.repository.releases.values().filter(seen).collect();
        releases.sort_by_key(|release| std::cmp::Reverse((release.created, release.id)));
        let cap = self.listing.cap;
        if releases.len() >= cap && (page - 1) * per_page >= cap && self.listing.beyond == Beyond::Refused {
            let message = format!("Only the first {cap} results are available.");
            return Err(Response::refusal(422, message, "/releases/releases#list-releases"));
        }
        releases.truncate(cap);
        let address = format!("{}/repositories/{}/releases", base.api, self.repository.id);
        Ok(paged(&releases, per_page, page, &address, |release| self.present_release(base, release)))
    }
}

/// One page of a list with its `Link` header. GitHub Docs, "Using pagination in the REST API".
pub(super) fn paged<T>(
    all: &[T],
    per_page: usize,
    page: usize,
    address: &str,
    present: impl Fn(&T) -> Value,
) -> Response {
    let items = all.iter().skip((page - 1) * per_page).take(per_page).map(present).collect();
    let last = all.len().div_ceil(per_page).max(1);
    let link = |page: usize, rel: &str| format!("<{address}?per_page={per_page}&page={page}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if page > 1 {
        links.push(link((page - 1).min(last), "prev"));
    }
    if page < last {
        links.push(link(page + 1, "next"));
        links.push(link(last, "last"));
    }
    if page > 1 {
        links.push(link(1, "first"));
    }
    let answer = Response::json(200, Value::Array(items));
    if links.is_empty() { answer } else { answer.with("link", links.join(", ")) }
}
