//! Names of what a registry holds: `<registry>/<namespace>/<id>[:tag|@digest]`. Pure. cli-unit.md §12.1, §12.4.

use std::fmt;
use std::str::FromStr;

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::text::printable_within;
use url::{Host, Url};

/// Most characters of a repository's path. Registries allow 255 for host and path together.
const LONGEST_PATH: usize = 255;
/// Most characters of a tag. cli-unit.md §12.4.
const LONGEST_TAG: usize = 128;

/// A repository: `ghcr.io/acme/features/gh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    registry: String,
    path: String,
}

/// A name for one manifest of a repository. cli-unit.md §12.4.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

/// Which manifest of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The one that a tag names now.
    Tag(Tag),
    /// This one.
    Digest(BlobDigest),
}

/// A repository, and perhaps one manifest in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The repository.
    pub repository: Repository,
    /// The manifest; `None` where the text names none.
    pub at: Option<At>,
}

/// Why a text is not a [`Reference`]. Class `usage_error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not REGISTRY/NAMESPACE/ID[:TAG]: {why}", printable_within(.text, 200))]
pub struct NotAReference {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Repository {
    /// The host, with its port where one is written.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path: namespace and id.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last segment: a Feature's id.
    pub fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// What comes before the id; empty where there is nothing.
    pub fn namespace(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Where the registry's API is. Docker Hub has another host for it than for its name.
    pub fn base(&self, scheme: &str) -> Option<Url> {
        let host = if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry };
        Url::parse(&format!("{scheme}://{host}/v2/")).ok()
    }

    /// Whether the registry is this machine.
    pub fn is_loopback(&self) -> bool {
        match self.base("http").as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether it is GitHub's, where packages are private at first and have a type. cli-unit.md §12.4.
    pub fn is_github(&self) -> bool {
        self.registry == "ghcr.io"
    }

    /// The repository of one Feature below this namespace. `id` is a segment: [`is_segment`].
    pub fn below(&self, id: &str) -> Repository {
        Repository { registry: self.registry.clone(), path: format!("{}/{id}", self.path) }
    }

    /// The repository of the same registry one level up, which holds a collection's list; `None` without a namespace.
    pub fn parent(&self) -> Option<Repository> {
        let namespace = self.namespace();
        (!namespace.is_empty()).then(|| Repository { registry: self.registry.clone(), path: namespace.to_owned() })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

impl Tag {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Tag, &'static str> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let Some(first) = text.bytes().next() else { return Err("the tag is empty") };
        if text.len() > LONGEST_TAG {
            return Err("the tag is longer than 128 characters");
        }
        match is_word(first) && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-') {
            true => Ok(Tag(text.to_owned())),
            false => Err("a tag has letters, digits, `_`, `.` and `-`, and starts with none of the last two"),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Tag(tag) => fmt::Display::fmt(tag, f),
            At::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            None => fmt::Display::fmt(&self.repository, f),
            Some(At::Tag(tag)) => write!(f, "{}:{tag}", self.repository),
            Some(At::Digest(digest)) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Reference, NotAReference> {
        parse(text).map_err(|why| NotAReference { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    if text.contains("://") {
        return Err("leave out the scheme: ghcr.io/acme/gh");
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let (registry, rest) = rest.split_once('/').ok_or("it has no `/`: write the registry first, ghcr.io/acme/gh")?;
    let registry = host(registry)?;
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    let at = match (tag, digest) {
        (None, None) => None,
        (Some(tag), None) => Some(At::Tag(tag.parse()?)),
        (None, Some(digest)) => {
            Some(At::Digest(digest.parse().map_err(|_| "the digest is not `sha256:` and 64 lower-case hex digits")?))
        }
        (Some(_), Some(_)) => return Err("it has a tag and a digest: leave one of them out"),
    };
    if path.len() > LONGEST_PATH {
        return Err("the path is longer than 255 characters");
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("the path must be lower case");
    }
    if !path.split('/').all(is_segment) {
        return Err("the path has lower-case letters and digits, with `.`, `_`, `-` or `/` between them");
    }
    Ok(Reference { repository: Repository { registry, path: path.to_owned() }, at })
}

/// `[a-z0-9]+([._-][a-z0-9]+)*`: a segment of a repository's path, so what a Feature's id has to be. cli-unit.md §12.1.
pub fn is_segment(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split(['.', '_', '-']).all(is_word)
}

/// A host name or address, lower case, with its port: what `https://HOST/` reads back as.
fn host(text: &str) -> Result<String, &'static str> {
    const NOT_A_HOST: &str = "what comes before the first `/` is not a host";
    let is_named = text == "localhost" || text.contains(['.', ':']);
    if !is_named {
        return Err("it names no registry: write its host first, ghcr.io/acme/gh");
    }
    // The URL reader would drop what cannot be seen and put other letters in the place of these; no reader of image names does.
    let is_of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if text.starts_with('.') || text.contains("..") || !text.bytes().all(is_of_a_host) {
        return Err(NOT_A_HOST);
    }
    let url = Url::parse(&format!("https://{text}/")).map_err(|_| NOT_A_HOST)?;
    let name = url.host_str().ok_or(NOT_A_HOST)?;
    Ok(match text.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        // Written ports are kept, also the one that https has anyway: it is part of the registry's name.
        Some((_, port)) => format!("{name}:{}", port.parse::<u16>().map_err(|_| NOT_A_HOST)?),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli-unit.md §12.1, §12.4
    fn a_reference_names_a_registry_a_path_and_perhaps_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, registry, path, at) in [
            ("ghcr.io/acme/gh", "ghcr.io", "acme/gh", None),
            ("ghcr.io/acme/features/gh:0.0.1", "ghcr.io", "acme/features/gh", Some("0.0.1")),
            ("GHCR.io/acme/gh:latest", "ghcr.io", "acme/gh", Some("latest")),
            ("127.0.0.1:5000/gh", "127.0.0.1:5000", "gh", None),
            ("[::1]:5000/a/b:1", "[::1]:5000", "a/b", Some("1")),
            ("localhost/a-b.c_d/e", "localhost", "a-b.c_d/e", None),
            (&format!("ghcr.io/acme/gh@{digest}"), "ghcr.io", "acme/gh", Some(digest.as_str())),
        ] {
            let read: Reference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let found = read.at.as_ref().map(ToString::to_string);
            assert_eq!((read.repository.registry(), read.repository.path()), (registry, path), "{text}");
            assert_eq!(found.as_deref(), at, "{text}");
            assert_eq!(read.to_string().parse::<Reference>().as_ref(), Ok(&read), "{text}");
        }
        for (text, why) in [
            ("", "has no `/`"),
            ("gh", "has no `/`"),
            ("acme/gh", "names no registry"),
            ("https://ghcr.io/acme/gh", "leave out the scheme"),
            ("ghcr.io/", "lower-case letters"),
            ("ghcr.io/Acme/gh", "must be lower case"),
            ("ghcr.io/acme//gh", "lower-case letters"),
            ("ghcr.io/acme/../gh", "lower-case letters"),
            ("ghcr.io/acme/-gh", "lower-case letters"),
            ("ghcr.io/acme/gh:", "tag is empty"),
            ("ghcr.io/acme/gh:.1", "a tag has"),
            ("ghcr.io/acme/gh:a b", "a tag has"),
            ("ghcr.io/acme/gh@sha256:aa", "the digest is not"),
            ("bob@ghcr.io/acme/gh", "has no `/`"),
            ("ghcr.io:99999/acme/gh", "not a host"),
            ("gh\ncr.io/acme/gh", "not a host"),
            ("./acme/gh", "not a host"),
            ("../acme/gh", "not a host"),
            ("ghcr.io\\x/acme/gh", "not a host"),
            ("gh\u{feff}cr.io/acme/gh", "not a host"),
            ("\u{ff47}hcr.io/acme/gh", "not a host"),
            ("b\u{fc}cher.example/acme/gh", "not a host"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(format!("ghcr.io/a/b:{}", "x".repeat(129)).parse::<Reference>().is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine_and_docker_hub_answers_elsewhere() {
        let of = |text: &str| text.parse::<Reference>().expect("a reference").repository;
        for (text, loopback) in [
            ("localhost:1/a", true),
            ("127.0.0.1:1/a", true),
            ("[::1]:1/a", true),
            ("x.localhost:1/a", true),
            ("ghcr.io/a/b", false),
            ("10.0.0.1:5000/a", false),
            ("localhost.example:1/a", false),
        ] {
            assert_eq!(of(text).is_loopback(), loopback, "{text}");
        }
        let base = |text: &str| of(text).base("https").map(String::from);
        assert_eq!(base("docker.io/acme/gh").as_deref(), Some("https://registry-1.docker.io/v2/"));
        assert_eq!(base("ghcr.io/acme/gh").as_deref(), Some("https://ghcr.io/v2/"));
        assert_eq!(
            (of("ghcr.io/a/b/c").id().to_owned(), of("ghcr.io/a/b/c").namespace().to_owned()),
            ("c".into(), "a/b".into())
        );
        assert_eq!(of("ghcr.io/a/b").parent().map(|parent| parent.to_string()).as_deref(), Some("ghcr.io/a"));
        assert_eq!(of("ghcr.io/a").parent(), None);
    }
}
