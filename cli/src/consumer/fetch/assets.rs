//! What a consumer reads of a connector's release beside the archive: statements, the signed index of its cohort first of
//! all. artifacts.md §11.
//!
//! Not here: `suite.toml`. No signature covers it, so nothing is installed by it (artifacts.md §10).

use aileron_verifier::name::fqn::{Ref, Scheme};
use aileron_verifier::statement::{Document, SIGNATURE_LIMIT, UnverifiedStatement};

use crate::consumer::fetch::origin::{self, FetchError, Origin, OriginPlace};
use crate::sys::disk;
use crate::sys::http::{self, HttpError};

impl Origin {
    /// A statement on a release, as it came; `None` where the release has none of this kind.
    ///
    /// # Errors
    /// [`FetchError`] when that could not be found out.
    pub fn statement<D: Document>(&self, release: &Ref) -> Result<Option<UnverifiedStatement<'static, D>>, FetchError> {
        let Some(bytes) = self.asset(release, D::KIND.asset, D::KIND.limit)? else { return Ok(None) };
        let signature = self.asset(release, D::KIND.signature_asset, SIGNATURE_LIMIT)?;
        Ok(Some(UnverifiedStatement::new(bytes, signature.unwrap_or_default())))
    }

    /// One asset of a release; `None` where the release has none of this name.
    fn asset(&self, reference: &Ref, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let asked = match &self.place {
            OriginPlace::Directory(root) => {
                origin::must_exist(root)?;
                return Ok(disk::read_if_there(&root.join(reference.asset_path(name)), limit)?);
            }
            OriginPlace::Server(base) => Some(reference.asset_url_below(base.raw(), name)),
            OriginPlace::Scheme if reference.name.scheme() == Scheme::Github => {
                return Ok(self.github.asset(reference, name, limit)?.1);
            }
            OriginPlace::Scheme => reference.asset_url(name),
        };
        let Some(url) = asked else { return Ok(None) };
        match self.github.public(&url, limit, http::LARGE) {
            Err(HttpError::Absent { .. }) => Ok(None),
            answer => answer.map(Some).map_err(FetchError::Http),
        }
    }
}
