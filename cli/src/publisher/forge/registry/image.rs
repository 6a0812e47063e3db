//! Images: which manifest of a list is for a platform, and the labels of its configuration. Pure. OCI image specification 1.1;
//! cli-unit.md §10.1.

use std::fmt;
use std::str::FromStr;

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::text::printable_within;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::document::{Manifest, short};

/// Media types of a configuration that is an image's; the second one is docker's own.
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// The operating system of containers, whatever the machine's own is.
const LINUX: &str = "linux";
/// What a list's entry says it is for where it holds no image, but statements about one.
const UNKNOWN: &str = "unknown";
/// Most characters of one part of a platform's name.
const LONGEST: usize = 40;

/// What an image runs on: `linux/arm64/v8`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`.
    os: String,
    /// `amd64`, `arm64`, `arm`.
    architecture: String,
    /// `v7`, where an architecture has several.
    #[serde(default)]
    variant: Option<String>,
}

impl Platform {
    /// What containers on this machine run on.
    pub fn of_containers_here() -> Platform {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Platform { os: LINUX.to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Whether an image for `self` is what was asked for with `wanted`: a variant that was not asked for may be any.
    fn satisfies(&self, wanted: &Platform) -> bool {
        let is_variant = wanted.variant.is_none() || self.variant == wanted.variant;
        self.os == wanted.os && self.architecture == wanted.architecture && is_variant
    }

    fn is_unknown(&self) -> bool {
        self.os == UNKNOWN || self.architecture == UNKNOWN
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text| printable_within(text, LONGEST);
        write!(f, "{}/{}", part(&self.os), part(&self.architecture))?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{}", part(variant)))
    }
}

impl FromStr for Platform {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Platform, &'static str> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            (1..=LONGEST).contains(&part.len()) && part.bytes().all(is_part)
        };
        match parts[..] {
            [os, architecture, ref variant @ ..] if variant.len() <= 1 && parts.iter().all(is_word) => {
                let variant = variant.first().map(|variant| (*variant).to_owned());
                Ok(Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant })
            }
            _ => Err("write OS/ARCH or OS/ARCH/VARIANT, as in linux/arm64"),
        }
    }
}

/// What stands under a tag or a digest.
#[derive(Clone, Debug)]
pub enum Published {
    /// A list of manifests, one for each platform.
    Index(Index),
    /// An image.
    Image(Manifest),
    /// Anything else: a Feature, perhaps.
    Artifact(Manifest),
}

impl Published {
    /// Reads a manifest, or a list of them.
    ///
    /// # Errors
    /// What it is instead, in words that follow "the manifest".
    pub fn read(bytes: &[u8]) -> Result<Published, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
        if value.get("manifests").is_some() {
            return Index::of(value).map(Published::Index);
        }
        if value.get("schemaVersion").and_then(Value::as_u64) == Some(1) {
            return Err("is of docker's first form, which has no configuration: build the image again".to_owned());
        }
        let manifest = Manifest::read(bytes)?;
        Ok(match CONFIGS.contains(&manifest.config.media_type.as_str()) {
            true => Published::Image(manifest),
            false => Published::Artifact(manifest),
        })
    }
}

/// A list of manifests, one for each platform.
#[derive(Clone, Debug, Deserialize)]
pub struct Index {
    manifests: Vec<IndexEntry>,
}

#[derive(Clone, Debug, Deserialize)]
struct IndexEntry {
    digest: BlobDigest,
    #[serde(default)]
    platform: Option<Platform>,
}

impl Index {
    /// Reads a list.
    ///
    /// # Errors
    /// What it is instead, in words that follow "the manifest".
    pub fn read(bytes: &[u8]) -> Result<Index, String> {
        Index::of(serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?)
    }

    fn of(value: Value) -> Result<Index, String> {
        serde_json::from_value(value).map_err(|error| format!("cannot be read: {}", short(&error.to_string())))
    }

    /// The manifest for a platform: of several the first one. The only one there is, where it does not say what it is for.
    ///
    /// # Errors
    /// The platforms that it has instead.
    pub fn choose(&self, wanted: &Platform) -> Result<BlobDigest, Vec<Platform>> {
        let for_it = |entry: &&IndexEntry| entry.platform.as_ref().is_some_and(|found| found.satisfies(wanted));
        let only = match self.manifests.as_slice() {
            [only] if only.platform.is_none() => Some(only),
            _ => None,
        };
        let found = self.manifests.iter().find(for_it).or(only);
        found.map(|entry| entry.digest).ok_or_else(|| self.platforms())
    }

    /// What it has, each once, in its order.
    pub fn platforms(&self) -> Vec<Platform> {
        let mut platforms: Vec<Platform> = Vec::new();
        for platform in self.manifests.iter().filter_map(|entry| entry.platform.as_ref()) {
            if !platform.is_unknown() && !platforms.contains(platform) {
                platforms.push(platform.clone());
            }
        }
        platforms
    }
}

/// What of an image's configuration counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// What it runs on, where it says so.
    pub platform: Option<Platform>,
    labels: Map<String, Value>,
}

impl ImageConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What it is instead, in words that follow "the configuration".
    pub fn read(bytes: &[u8]) -> Result<ImageConfig, String> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            config: Option<Inner>,
            #[serde(flatten)]
            platform: Map<String, Value>,
        }
        #[derive(Default, Deserialize)]
        struct Inner {
            #[serde(default, rename = "Labels")]
            labels: Option<Map<String, Value>>,
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| format!("cannot be read: {}", short(&error.to_string())))?;
        let platform = serde_json::from_value(Value::Object(document.platform)).ok();
        let labels = document.config.unwrap_or_default().labels.unwrap_or_default();
        Ok(ImageConfig { platform, labels })
    }

    /// The text of a label; `None` where there is none of the name.
    ///
    /// # Errors
    /// It is there and is no text.
    pub fn label(&self, name: &str) -> Result<Option<&str>, String> {
        match self.labels.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("has a label {name} that is not a text")),
        }
    }

    /// Whether the image may be taken where this platform was asked for. One that says nothing may.
    pub fn is_for(&self, wanted: &Platform) -> bool {
        self.platform.as_ref().is_none_or(|found| found.satisfies(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().expect("a platform")
    }

    fn index(platforms: &[&str]) -> Index {
        let entry = |(at, text): (usize, &&str)| {
            let digest = BlobDigest::of(&[&at.to_le_bytes()]);
            match text.split('/').collect::<Vec<_>>()[..] {
                [os, architecture] => {
                    serde_json::json!({"digest": digest, "platform": {"os": os, "architecture": architecture}})
                }
                [os, architecture, variant] => serde_json::json!({
                    "digest": digest, "platform": {"os": os, "architecture": architecture, "variant": variant, "os.version": "1"}
                }),
                _ => serde_json::json!({"digest": digest}),
            }
        };
        let manifests: Vec<Value> = platforms.iter().enumerate().map(entry).collect();
        Index::read(serde_json::json!({"schemaVersion": 2, "manifests": manifests}).to_string().as_bytes())
            .expect("a list")
    }

    #[test] // cli-unit.md §10.1
    fn of_a_list_the_manifest_for_the_platform_is_taken_and_no_other() {
        for (has, wanted, expected) in [
            (&["linux/amd64", "linux/arm64"][..], "linux/arm64", Ok(1)),
            (&["linux/arm64/v8"], "linux/arm64", Ok(0)),
            (&["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", Ok(1)),
            (&["linux/arm/v6", "linux/arm/v7"], "linux/arm", Ok(0)),
            (&["windows/amd64", "linux/amd64"], "linux/amd64", Ok(1)),
            (&["unknown/unknown", "linux/amd64"], "linux/amd64", Ok(1)),
            (&[""], "linux/amd64", Ok(0)),
            (&["", ""], "linux/amd64", Err("")),
            (&["linux/arm64", "unknown/unknown", "linux/arm64"], "linux/amd64", Err("linux/arm64")),
            (&["linux/arm64/v8"], "linux/arm64/v9", Err("linux/arm64/v8")),
            (&[], "linux/amd64", Err("")),
        ] {
            let found = index(has).choose(&platform(wanted));
            let shown = |found: Vec<Platform>| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let expected = expected.map(|at: usize| BlobDigest::of(&[&at.to_le_bytes()])).map_err(str::to_owned);
            assert_eq!(found.map_err(shown), expected, "{has:?} {wanted}");
        }
    }

    #[test]
    fn a_platform_is_two_or_three_words() {
        for text in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert_eq!(platform(text).to_string(), text);
        }
        for text in ["", "linux", "/", "linux/", "/amd64", "linux/arm/v7/x", "linux/a b", "linux/\u{e9}", "a//b"] {
            assert!(text.parse::<Platform>().is_err(), "{text:?}");
        }
        assert_eq!(Platform::of_containers_here().os, "linux");
    }

    #[test]
    fn what_stands_under_a_tag_is_told_by_what_it_says() {
        let digest = BlobDigest::of(&[b"x"]);
        let manifest = |config: &str| {
            format!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"{config}","digest":"{digest}","size":1}},"layers":[]}}"#
            )
        };
        for config in CONFIGS {
            assert!(matches!(Published::read(manifest(config).as_bytes()), Ok(Published::Image(_))), "{config}");
        }
        let feature = manifest("application/vnd.devcontainers");
        assert!(matches!(Published::read(feature.as_bytes()), Ok(Published::Artifact(_))));
        assert!(matches!(Published::read(br#"{"manifests":[]}"#), Ok(Published::Index(_))));
        for (text, why) in [
            ("", "is not JSON"),
            (r#"{"manifests":1}"#, "cannot be read"),
            (r#"{"manifests":[{"digest":"sha256:../x"}]}"#, "cannot be read"),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#, "docker's first form"),
        ] {
            let error = Published::read(text.as_bytes()).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_label_is_there_or_not_there_or_no_text() {
        let read = |text: &str| ImageConfig::read(text.as_bytes());
        let label = |text: &str| read(text).and_then(|config| config.label("x").map(|label| label.map(str::to_owned)));
        assert_eq!(label(r#"{"config":{"Labels":{"x":"[]","y":1}}}"#), Ok(Some("[]".to_owned())));
        for none in ["{}", r#"{"config":null}"#, r#"{"config":{"Labels":null}}"#, r#"{"config":{"Labels":{"x":null}}}"#]
        {
            assert_eq!(label(none), Ok(None), "{none}");
        }
        for bad in ["", "[]", r#"{"config":1}"#, r#"{"config":{"Labels":[]}}"#, r#"{"config":{"Labels":{"x":[]}}}"#] {
            assert!(label(bad).is_err(), "{bad}");
        }
        let config = read(r#"{"os":"linux","architecture":"arm64","variant":"v8","config":{}}"#).expect("reads");
        assert!(config.is_for(&platform("linux/arm64")) && !config.is_for(&platform("linux/amd64")));
        assert!(read("{}").expect("reads").is_for(&platform("linux/amd64")));
    }
}
