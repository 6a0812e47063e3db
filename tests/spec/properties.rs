//! What must hold for every value, not only for chosen examples.

mod archives;
mod names;
mod trust;

use aileron_testkit::tar::{Entry, Format, Gzip, Tar};
use aileron_testkit::{HASH_PLACEHOLDER, VERSION_PLACEHOLDER, pack};
use aileron_verifier::artifact::archive::{self, ArtifactKind, Files, MAX_DOCUMENT, MAX_MODULE};
use aileron_verifier::artifact::binding::{self, Field};
use aileron_verifier::artifact::manifest::CredentialKind;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Class;
use aileron_verifier::text::toml::{Stage, quote};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::binding::{action, bind, manifest};

const SEGMENT: &str = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}";
const SEMVER: &str = "(0|[1-9][0-9]{0,20})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-(0|[1-9][0-9]{0,3}|[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,4})(\\.[a-z][0-9a-z]{0,3})?)?(\\+[0-9A-Za-z-]{1,5}(\\.[0-9A-Za-z-]{1,5})?)?";

fn name() -> impl Strategy<Value = String> {
    let segments = (SEGMENT, SEGMENT, vec(SEGMENT, 0..4));
    (select(vec!["github", "gitlab", "hub"]), segments).prop_map(|(scheme, (owner, repo, subpath))| {
        let path: Vec<String> = [owner, repo].into_iter().chain(subpath).collect();
        format!("{scheme}://{}", path.join("/"))
    })
}

/// Text without control characters that TOML strings cannot hold raw.
fn prose() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f\\x7f]{0,20}"
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(256))]

    #[test] // artifacts.md §1
    fn names_refs_versions_and_hashes_print_as_they_were_written(name in name(), version in SEMVER, bytes: [u8; 32]) {
        prop_assert_eq!(name.parse::<Fqn>().expect("a name").to_string(), &*name);
        prop_assert_eq!(version.parse::<Version>().expect("SemVer").to_string(), &*version);
        let reference = format!("{name}@{version}");
        let parsed: Ref = reference.parse().expect("a Ref");
        prop_assert_eq!((parsed.name.to_string(), parsed.version.to_string()), (name, version));
        prop_assert_eq!(parsed.to_string(), reference);
        let hash = format!("sha256:{}", bytes.map(|byte| format!("{byte:02x}")).concat());
        prop_assert_eq!(hash.parse::<ContentHash>().expect("a hash").to_string(), hash);
    }

    #[test]
    fn what_parses_prints_as_it_was_written(text in "\\PC{0,30}", piece in select(vec!["github://", "@1.2.3", "a/b", "sha256:", "1.0.0-"])) {
        for text in [text.clone(), format!("{piece}{text}"), format!("{text}{piece}"), format!("github://a/{text}")] {
            if let Ok(name) = text.parse::<Fqn>() { prop_assert_eq!(name.to_string(), &*text); }
            if let Ok(reference) = text.parse::<Ref>() { prop_assert_eq!(reference.to_string(), &*text); }
            if let Ok(version) = text.parse::<Version>() { prop_assert_eq!(version.to_string(), &*text); }
            if let Ok(hash) = text.parse::<ContentHash>() { prop_assert_eq!(hash.to_string(), &*text); }
        }
    }

    #[test] // artifacts.md §2: every field comes back as it was written
    fn a_manifest_says_what_was_written_into_it(
        (name, version) in (name(), SEMVER),
        (publisher, idempotent) in (option::of(prose()), option::of(any::<bool>())),
        hosts in btree_set("[a-z][a-z0-9-]{0,6}\\.(com|io):[1-9][0-9]{0,3}", 0..5),
        (kind, scope) in (select(CredentialKind::ALL.to_vec()), option::of(prose())),
        (header, format) in (option::of("[A-Za-z][A-Za-z-]{0,8}"), option::of("[a-z \"\\\\]{0,5}\\{key\\}")),
        (service, region) in ("[a-z]{1,8}", option::of("[a-z]{2}-[a-z]{3}-[1-9]")),
        (client, secret, scopes) in ("[a-z0-9]{1,8}", option::of(any::<String>()), vec("[a-z:/.]{1,8}", 1..4)),
        (imports, intents) in (option::of(btree_set("[a-z_]{1,8}", 0..3)), vec(prose(), 0..3)),
    ) {
        let list = |values: &mut dyn Iterator<Item = &String>| {
            format!("[{}]", values.map(|value| quote(value)).collect::<Vec<_>>().join(", "))
        };
        let line = |key: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{key} = {}\n", quote(value))).unwrap_or_default()
        };
        let mut text = format!("[connector]\nname = \"{name}\"\nversion = \"{version}\"\n{}", line("publisher", &publisher));
        if let Some(idempotent) = idempotent {
            let default = if idempotent { "idempotent" } else { "not_idempotent" };
            text += &format!("[connector.idempotency]\ndefault = \"{default}\"\n");
        }
        text += &format!("[capabilities.network]\nhosts = {}\n", list(&mut hosts.iter()));
        text += &format!("[capabilities.credential]\nkind = \"{}\"\n{}", kind.as_str(), line("scope", &scope));
        text += &match kind {
            CredentialKind::ApiKey => line("header", &header) + &line("format", &format),
            CredentialKind::AwsSigv4 => line("service", &Some(service.clone())) + &line("region", &region),
            CredentialKind::Oauth2 => format!(
                "[capabilities.credential.oauth2]\nauthorize_url = \"https://a.io/x\"\ntoken_url = \"http://localhost:1/\"\nclient_id = \"{client}\"\n{}scopes = {}\n",
                line("client_secret", &secret),
                list(&mut scopes.iter()),
            ),
        };
        if let Some(imports) = &imports {
            text += &format!("[capabilities.runtime]\nimports = {}\n", list(&mut imports.iter()));
        }
        text += &format!("[provides]\nintents = {}\n", list(&mut intents.iter()));

        let read = manifest(&text, Stage::Artifact);
        let values = |list: &[aileron_verifier::problem::Spanned<String>]| {
            list.iter().map(|value| value.value.clone()).collect::<Vec<_>>()
        };
        let value = |text: &Option<aileron_verifier::problem::Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        prop_assert_eq!((read.name.value.to_string(), read.version.value.to_string()), (name, version));
        prop_assert_eq!((&read.publisher, read.idempotent), (&publisher, idempotent.unwrap_or(true)));
        prop_assert_eq!(values(&read.hosts), hosts.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(read.imports.as_deref().map(values), imports.map(|imports| imports.into_iter().collect::<Vec<_>>()));
        prop_assert_eq!(&read.intents, &intents);
        let credential = read.credential.expect("a credential");
        prop_assert_eq!((credential.kind.value, &credential.scope), (kind, &scope));
        let only = |wanted: CredentialKind, value: Option<String>| value.filter(|_| kind == wanted);
        prop_assert_eq!(value(&credential.header), only(CredentialKind::ApiKey, header));
        prop_assert_eq!(value(&credential.format), only(CredentialKind::ApiKey, format));
        prop_assert_eq!(value(&credential.service), only(CredentialKind::AwsSigv4, Some(service)));
        prop_assert_eq!(value(&credential.region), only(CredentialKind::AwsSigv4, region));
        prop_assert_eq!(credential.oauth2.is_some(), kind == CredentialKind::Oauth2);
        if let Some(oauth2) = credential.oauth2 {
            prop_assert_eq!((oauth2.client_id.value, value(&oauth2.client_secret)), (client, secret));
            prop_assert_eq!(values(&oauth2.scopes), scopes);
        }
    }

    #[test]
    fn a_quoted_text_is_read_back_by_another_parser(text: String) {
        let document = format!("key = {}", quote(&text));
        let parsed: toml_edit::Document<&str> = toml_edit::Document::parse(document.as_str()).expect("TOML");
        prop_assert_eq!(parsed["key"].as_str(), Some(&*text));
    }
}

/// What an author may put around a field without changing what it means.
#[derive(Clone, Debug)]
struct Style {
    indent: &'static str,
    equals: &'static str,
    quote: &'static str,
    comment: Option<String>,
    above: Vec<String>,
}

fn style() -> impl Strategy<Value = Style> {
    let look_alike = select(vec![
        "version = \"0.0.0-dev\"".to_owned(),
        "client_secret = \"bound-at-release\"".into(),
        "hash = \"sha256:bound-at-release\"".into(),
        "source = \"github://acme/echo/actions/say@0.0.0-dev\"".into(),
        "'''\"\"\" [connector] +++x".into(),
    ]);
    let comment = || prop_oneof![look_alike.clone(), "[^\\x00-\\x1f\\x7f]{0,12}"];
    (
        select(vec!["", " ", "\t", "    "]),
        select(vec!["=", " = ", "\t=  ", "  =\t"]),
        select(vec!["\"", "'", "\"\"\"", "'''"]),
        option::of(comment()),
        vec(comment(), 0..3),
    )
        .prop_map(|(indent, equals, quote, comment, above)| Style { indent, equals, quote, comment, above })
}

/// A document in pieces: text that must stay, and fields with what they hold.
enum Piece {
    Kept(String),
    Field(Field, String),
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn kept(&mut self, text: impl Into<String>) {
        self.0.push(Piece::Kept(text.into()));
    }

    /// One `key = value` line; with a field, the value is to be bound.
    fn line(&mut self, style: &Style, key: &str, value: &str, field: Option<Field>) {
        for comment in &style.above {
            self.kept(format!("{}#{comment}\n", style.indent));
        }
        self.kept(format!("{}{key}{}", style.indent, style.equals));
        let value = format!("{0}{value}{0}", style.quote);
        self.0.push(match field {
            Some(field) => Piece::Field(field, value),
            None => Piece::Kept(value),
        });
        self.kept(style.comment.as_ref().map_or("\n".to_owned(), |comment| format!(" #{comment}\n")));
    }

    /// Line ends and mark as asked for.
    fn spelt(self, crlf: bool, mark: bool) -> Pieces {
        let spell = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Kept(text) => Piece::Kept(spell(text)),
            field => field,
        });
        Pieces(mark.then(|| Piece::Kept("\u{feff}".into())).into_iter().chain(pieces).collect())
    }

    fn text(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Kept(text) | Piece::Field(_, text) => text.as_str(),
            })
            .collect()
    }

    /// Reads the fields out of bound text by walking the kept pieces; every kept byte must be there. The value of each
    /// field is read by toml_edit from its own bytes.
    fn values(&self, bound: &str) -> Vec<(Field, String)> {
        let mut rest = bound;
        let mut found = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Kept(text) => rest = rest.strip_prefix(text.as_str()).expect("a kept byte changed"),
                Piece::Field(field, _) => {
                    let end = 1 + rest[1..]
                        .match_indices('"')
                        .map(|(at, _)| at)
                        .find(|at| {
                            let escapes = rest[1..1 + at].bytes().rev().take_while(|byte| *byte == b'\\').count();
                            escapes % 2 == 0
                        })
                        .expect("a quoted value");
                    let value: toml_edit::Value = rest[..=end].parse().expect("a TOML value");
                    found.push((*field, value.as_str().expect("a string").to_owned()));
                    rest = &rest[end + 1..];
                }
            }
        }
        assert_eq!(rest, "", "bytes after the end");
        found
    }
}

proptest! {
    #![proptest_config(config(192))]

    #[test] // artifacts.md §5
    fn binding_a_manifest_changes_its_fields_and_no_other_byte(
        styles in vec(style(), 8),
        (crlf, mark, secret) in (any::<bool>(), any::<bool>(), option::of(any::<String>())),
        version in SEMVER.prop_filter("a release", |version| version != VERSION_PLACEHOLDER),
    ) {
        let mut pieces = Pieces::default();
        pieces.kept("# \"bound-at-release\"\n[connector]\n");
        pieces.line(&styles[0], "name", "github://acme/echo", None);
        pieces.line(&styles[1], "version", VERSION_PLACEHOLDER, Some(Field::ConnectorVersion));
        pieces.kept("[capabilities.credential]\n");
        pieces.line(&styles[2], "kind", "oauth2", None);
        pieces.kept("[capabilities.credential.oauth2] # client_secret = \"bound-at-release\"\n");
        pieces.line(&styles[3], "authorize_url", "https://a.io/x", None);
        pieces.line(&styles[4], "token_url", "https://a.io/y", None);
        if secret.is_some() {
            pieces.line(&styles[5], "client_secret", "bound-at-release", Some(Field::ClientSecret));
        }
        pieces.line(&styles[6], "client_id", "id", None);
        pieces.kept("scopes = [ 'a', # bound-at-release\n ]\n[provides]\n");
        pieces.kept(format!("intents = [{0}x{0}]", styles[7].quote));
        let pieces = pieces.spelt(crlf, mark);
        let text = pieces.text();

        let committed = manifest(&text, Stage::Source);
        let release: Version = version.parse().expect("SemVer");
        let edits = binding::manifest(&committed, &release, secret.as_deref()).expect("placeholders");
        let bound = bind(&text, &edits);
        let mut expected = vec![(Field::ConnectorVersion, version)];
        expected.extend(secret.clone().map(|secret| (Field::ClientSecret, secret)));
        prop_assert_eq!(pieces.values(&bound), expected);
        prop_assert_eq!(binding::leftovers(&committed.source, 0..text.len(), &edits), []);
        let read = manifest(&bound, Stage::Artifact);
        prop_assert_eq!(read.version.value, release);
        let oauth2 = read.credential.and_then(|credential| credential.oauth2).expect("oauth2");
        prop_assert_eq!(oauth2.client_secret.map(|found| found.value), secret);
    }

    #[test] // artifacts.md §5
    fn binding_an_action_changes_its_fields_and_no_other_byte(
        styles in vec(style(), 12),
        (crlf, mark, foreign_first) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (version, content) in (SEMVER.prop_filter("a release", |version| version != VERSION_PLACEHOLDER), any::<[u8; 32]>()),
        body in "(\\PC|\n){0,60}",
    ) {
        let (ours, content) = ("github://acme/echo", ContentHash::of(&[&content]));
        let mut pieces = Pieces::default();
        pieces.kept("+++\n");
        pieces.line(&styles[0], "name", "say", None);
        pieces.line(&styles[1], "version", VERSION_PLACEHOLDER, Some(Field::ActionVersion));
        pieces.line(&styles[2], "source", &format!("{ours}/actions/say@{VERSION_PLACEHOLDER}"), Some(Field::ActionSource));
        let foreign = |pieces: &mut Pieces| {
            // Another publisher's connector keeps its own version and hash, whatever they look like.
            pieces.kept("[[requires.connectors]]\n");
            pieces.line(&styles[3], "name", "github://other/tool", None);
            pieces.line(&styles[4], "version", "4.5.6", None);
            pieces.line(&styles[5], "hash", &ContentHash::of(&[b"other"]).to_string(), None);
            pieces.kept("capabilities = ['b']\n");
        };
        if foreign_first { foreign(&mut pieces); }
        pieces.kept("[[requires.connectors]]\n");
        pieces.line(&styles[6], "hash", HASH_PLACEHOLDER, Some(Field::RequiredHash));
        pieces.line(&styles[7], "version", VERSION_PLACEHOLDER, Some(Field::RequiredVersion));
        pieces.line(&styles[8], "name", ours, None);
        pieces.kept("capabilities = [\"a\"] # 0.0.0-dev\n");
        if !foreign_first { foreign(&mut pieces); }
        pieces.kept("[match]\n");
        pieces.line(&styles[9], "intent", "hear it again", None);
        pieces.kept("[[execute]]\nid = 'x'\n");
        pieces.line(&styles[10], "connector", ours, None);
        pieces.line(&styles[11], "op", "echo", None);
        pieces.kept("+++\n0.0.0-dev sha256:bound-at-release\n");
        pieces.kept(body);
        let pieces = pieces.spelt(crlf, mark);
        let text = pieces.text();

        let committed = action(&text, Stage::Source);
        let release: Version = version.parse().expect("SemVer");
        let edits = binding::action(&committed, &ours.parse().expect("a name"), &release, Some(&content));
        let edits = edits.expect("placeholders");
        let bound = bind(&text, &edits);
        let expected = vec![
            (Field::ActionVersion, version.clone()),
            (Field::ActionSource, format!("{ours}/actions/say@{version}")),
            (Field::RequiredHash, content.to_string()),
            (Field::RequiredVersion, version),
        ];
        prop_assert_eq!(pieces.values(&bound), expected);
        prop_assert_eq!(binding::leftovers(&committed.source, committed.front_matter.clone(), &edits), []);
        let read = action(&bound, Stage::Artifact);
        prop_assert_eq!(read.identity_fault(), None);
        prop_assert_eq!(read.requires.len(), 2);
    }
}
