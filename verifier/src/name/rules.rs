//! Rules of names, versions and hashes, for every document that holds one. artifacts.md §1.

use crate::problem::rules;

rules! { 1;
    NAME "name" ValidationError Error "not a valid name", "write <scheme>://<owner>/<repo>, scheme github, gitlab or hub, without a version";
    REF_FORM "ref" ValidationError Error "not a valid Ref", "write <scheme>://<owner>/<repo>[/<path>]@<version>";
    VERSION_FORM "version" ValidationError Error "not a SemVer version", "write a SemVer 2.0.0 version without `v`; in source the placeholder is 0.0.0-dev";
    HASH_FORM "hash" ValidationError Error "not a sha256 hash", "write `sha256:` and 64 lower-case hex digits; in source the placeholder is sha256:bound-at-release";
}
