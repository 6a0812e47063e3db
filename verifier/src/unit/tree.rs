//! A document as a tree of values that know where they stand: what both carriers, YAML and JSON, become before anything is
//! decoded. cli-unit.md §2.1.

mod json;
mod scalar;
mod yaml;

use std::ops::Range;

use crate::problem::Rule;

pub(super) use json::from_json;
pub(super) use scalar::float_text;
pub(super) use yaml::from_yaml;

/// Most arrays and mappings inside one another.
const DEPTH: u32 = 64;

/// Most values of one document, those that aliases stand for included.
const NODES: usize = 10_000;

/// Most bytes of one document.
pub(super) const BYTES: usize = 1 << 20;

/// Mappings up to this size are searched one by one: below it that costs less than any index.
pub(super) const FEW: usize = 32;

/// One value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it stands; of an alias, where the alias stands.
    pub(super) at: Range<usize>,
    pub(super) content: Content,
    /// The alias it was written as.
    pub(super) alias: Option<String>,
    /// How many values it is: itself and all inside.
    size: usize,
    /// How many arrays and mappings deep it is.
    height: u32,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    /// Keys and values, in order; a key may be there twice, and may be anything.
    Map(Vec<(Node, Node)>),
}

/// A value without parts.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// Its text: of `!!binary` the decoded one, of a JSON number the decimal text of a 64-bit float.
    pub(super) text: String,
    pub(super) kind: ScalarKind,
}

/// What kind of scalar it is, as `gopkg.in/yaml.v3` resolves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarKind {
    Null,
    Text,
    /// A boolean, number or timestamp: taken as its source text where a text is wanted. D8.
    Typed,
    /// `<<`: a merge key where it stands as one.
    Merge,
}

impl Node {
    fn leaf(at: Range<usize>, scalar: Scalar) -> Node {
        Node { at, content: Content::Scalar(scalar), alias: None, size: 1, height: 0 }
    }

    fn inner(at: Range<usize>, content: Content) -> Node {
        let (mut size, mut height) = (1, 0);
        let mut count = |part: &Node| {
            size += part.size;
            height = height.max(part.height);
        };
        match &content {
            Content::Scalar(_) => {}
            Content::List(items) => items.iter().for_each(&mut count),
            Content::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                count(key);
                count(value);
            }),
        }
        let height = height + 1;
        Node { at, content, alias: None, size, height }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(Scalar { kind: ScalarKind::Null, .. }))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.content, Content::Map(_))
    }

    /// What a message calls it.
    pub(super) fn described(&self) -> &'static str {
        match &self.content {
            Content::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "null",
                ScalarKind::Text | ScalarKind::Merge => "a text",
                ScalarKind::Typed => "a number, boolean or timestamp",
            },
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }
}

/// Why there is no tree: a syntax error, a limit, or a scalar that is not what its tag says.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) rule: &'static Rule,
    pub(super) at: Range<usize>,
    pub(super) text: String,
}
