//! `manifest.json` as a host decodes it, the order in which it validates, and which target it takes. aegis-bundle.md §3, §4.
//!
//! | file | |
//! |---|---|
//! | [`decode`] | how Go fills a structure from JSON |
//! | `select` | which target a host takes |
//! | `validate` | the host's checks in the host's order |

pub mod decode;
mod select;
mod validate;

use crate::text::json::tape::{Syntax, Tape, Value};
use decode::{Decoder, NotDecoded, Slot};

pub use select::{NoTarget, select};
pub use validate::Invalid;

use super::Kind;

/// Capabilities of a host of API version 1, for plugins and connectors. aegis-bundle.md §4.1.
pub const CAPABILITIES: [&str; 15] = [
    "entrypoint.get_aegis_plugin",
    "api.rcon",
    "api.server",
    "api.database",
    "api.rule",
    "api.admin",
    "api.discord",
    "api.connector",
    "api.event",
    "api.log",
    "events.rcon",
    "events.log",
    "events.system",
    "events.connector",
    "events.plugin",
];

/// Members of a manifest that both kinds have, without the id. aegis-bundle.md §3.2.
pub const MEMBERS: [&str; 9] =
    ["name", "version", "description", "authors", "license", "repository", "docs_url", "official", "targets"];
/// Members of a connector's manifest beside them. aegis-bundle.md §3.3.
pub const CONNECTOR_MEMBERS: [&str; 2] = ["instance_key", "legacy_ids"];
/// Members of a target. aegis-bundle.md §3.7.
pub const TARGET_MEMBERS: [&str; 6] =
    ["min_host_api_version", "required_capabilities", "target_os", "target_arch", "sha256", "library_path"];
/// Members of an author. aegis-bundle.md §3.2.
pub const AUTHOR_MEMBERS: [&str; 2] = ["name", "contact"];

/// What a host knows of a manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The kind of the endpoint it came to; the manifest's own id member follows from it.
    pub kind: Kind,
    /// `plugin_id` or `connector_id`, as written.
    pub id: String,
    /// `name`.
    pub name: String,
    /// `version`, as written.
    pub version: String,
    /// `instance_key` of a connector.
    pub instance_key: String,
    /// `legacy_ids` of a connector.
    pub legacy_ids: Vec<String>,
    /// `official`, which a host reads and ignores.
    pub official: bool,
    /// `targets`.
    pub targets: Vec<Target>,
}

/// One target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// `min_host_api_version`; 0 where it is missing.
    pub min_host_api_version: i64,
    /// `required_capabilities`, as written.
    pub required_capabilities: Vec<String>,
    /// `target_os`.
    pub target_os: String,
    /// `target_arch`.
    pub target_arch: String,
    /// `sha256`, as written.
    pub sha256: String,
    /// `library_path`, as written.
    pub library_path: String,
}

/// Bytes are no manifest for a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} manifest: {why}")]
pub struct NotAManifest {
    /// The kind it was read as.
    pub kind: Kind,
    /// Why, in our words: the host shows its library's.
    pub why: NotDecoded,
}

/// A target while it is filled.
#[derive(Default)]
struct Cell {
    target: Target,
    capabilities: Slot<String>,
}

/// Everything that a host's structure has.
#[derive(Default)]
struct Document {
    texts: [String; 8],
    official: bool,
    authors: Slot<[String; 2]>,
    legacy_ids: Slot<String>,
    targets: Slot<Cell>,
}

impl Manifest {
    /// Decodes a manifest as a host does: the whole document, nothing but white space around it. aegis-bundle.md §3.1.
    ///
    /// # Errors
    /// [`NotAManifest`].
    pub fn decode(bytes: &[u8], kind: Kind) -> Result<Manifest, NotAManifest> {
        let failed = |why| NotAManifest { kind, why };
        let tape = Tape::read(bytes, Syntax::STRICT).map_err(|why| failed(NotDecoded::Syntax(why)))?;
        let mut names = vec![kind.id_member()];
        names.extend(MEMBERS);
        if kind == Kind::Connector {
            names.extend(CONNECTOR_MEMBERS);
        }
        let mut document = Document::default();
        let mut decoder = Decoder::default();
        decoder.object(tape.root(), &names, |decoder, at, value| document.member(decoder, names[at], value));
        decoder.finish().map_err(failed)?;
        let [id, name, version, .., instance_key] = document.texts;
        Ok(Manifest {
            kind,
            id,
            name,
            version,
            instance_key,
            legacy_ids: document.legacy_ids.into_items(),
            official: document.official,
            targets: document.targets.into_items().into_iter().map(Cell::into_target).collect(),
        })
    }

    /// The kind whose id member a document has, its name in any case; the plugin's where it has both or neither.
    pub fn kind_of(bytes: &[u8]) -> Kind {
        let Ok(tape) = Tape::read(bytes, Syntax::STRICT) else { return Kind::Plugin };
        let has = |kind: Kind| {
            let is_named = |name: &str| decode::is_folded(name, kind.id_member());
            tape.root().members().any(|member| member.name.text().is_some_and(|name| is_named(&name)))
        };
        if has(Kind::Connector) && !has(Kind::Plugin) { Kind::Connector } else { Kind::Plugin }
    }
}

impl Document {
    fn member(&mut self, decoder: &mut Decoder, name: &str, value: Value<'_>) {
        match name {
            "official" => decoder.boolean(value, &mut self.official),
            "authors" => decoder.list(value, &mut self.authors, |decoder, value, author| {
                decoder.object(value, &AUTHOR_MEMBERS, |decoder, at, value| decoder.text(value, &mut author[at]));
            }),
            "legacy_ids" => decoder.list(value, &mut self.legacy_ids, Decoder::text),
            "targets" => decoder.list(value, &mut self.targets, |decoder, value, cell| {
                decoder.object(value, &TARGET_MEMBERS, |decoder, at, value| {
                    cell.member(decoder, TARGET_MEMBERS[at], value)
                });
            }),
            _ => {
                let place = match name {
                    "name" => 1,
                    "version" => 2,
                    "description" => 3,
                    "license" => 4,
                    "repository" => 5,
                    "docs_url" => 6,
                    "instance_key" => 7,
                    _ => 0,
                };
                decoder.text(value, &mut self.texts[place]);
            }
        }
    }
}

impl Cell {
    fn member(&mut self, decoder: &mut Decoder, name: &str, value: Value<'_>) {
        let target = &mut self.target;
        match name {
            "min_host_api_version" => decoder.integer(value, &mut target.min_host_api_version),
            "required_capabilities" => decoder.list(value, &mut self.capabilities, Decoder::text),
            "target_os" => decoder.text(value, &mut target.target_os),
            "target_arch" => decoder.text(value, &mut target.target_arch),
            "sha256" => decoder.text(value, &mut target.sha256),
            _ => decoder.text(value, &mut target.library_path),
        }
    }

    fn into_target(self) -> Target {
        Target { required_capabilities: self.capabilities.into_items(), ..self.target }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Manifest {
        Manifest::decode(text.as_bytes(), Kind::Plugin).expect(text)
    }

    #[test] // aegis-bundle.md §3.1: later members win, a repeated array merges element by element
    fn a_manifest_is_decoded_as_go_decodes_it() {
        let merged = decoded(
            r#"{"targets":[{"sha256":"a","library_path":"x","required_capabilities":["p","q"]},{"sha256":"b"}],
                "TARGETS":[{"sha256":"c","required_capabilities":["r"]}], "plugin_id":"one", "Plugin_ID":"two", "name":null,
                "verſion":"1"}"#,
        );
        assert_eq!((merged.id.as_str(), merged.version.as_str(), merged.targets.len()), ("two", "1", 1));
        let target = &merged.targets[0];
        assert_eq!((target.sha256.as_str(), target.library_path.as_str()), ("c", "x"));
        assert_eq!(target.required_capabilities, ["r"]);
        // What was behind the end of a shorter array comes back when it grows again, as it does in Go.
        let grown = decoded(r#"{"targets":[{"sha256":"a"},{"sha256":"b"}],"targets":[{}],"targets":[{},{}]}"#);
        assert_eq!(grown.targets.iter().map(|target| target.sha256.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let emptied = decoded(r#"{"targets":[{"sha256":"a"}],"targets":[],"targets":[{}]}"#);
        assert_eq!(emptied.targets, [Target::default()]);
    }

    #[test] // aegis-bundle.md §3.3: a connector's members mean nothing to a plugin
    fn members_of_the_other_kind_are_ignored() {
        assert!(Manifest::decode(br#"{"legacy_ids":"x","plugin_id":"p"}"#, Kind::Plugin).is_ok());
        assert!(Manifest::decode(br#"{"legacy_ids":"x","connector_id":"p"}"#, Kind::Connector).is_err());
        assert_eq!(Manifest::kind_of(br#"{"Connector_ID":"c"}"#), Kind::Connector);
        assert_eq!(Manifest::kind_of(br#"{"connector_id":"c","plugin_id":"p"}"#), Kind::Plugin);
    }
}
