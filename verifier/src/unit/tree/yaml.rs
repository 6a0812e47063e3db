//! YAML text to a tree: the events of a parser, one document, aliases and tags resolved. cli-unit.md §2.2, D1, D2, D11.
//!
//! Aileron reads with `gopkg.in/yaml.v3`. What that reader and our parser are known to take differently (line ends of YAML
//! 1.1 that YAML 1.2 no longer has, UTF-16, byte-order marks inside the text, `\/`, keys without text, `?` and `:` before a
//! word in brackets) is refused, so that a unit never means one thing here and another there.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag, YamlVersion};

use super::{BYTES, Content, DEPTH, Fault, NODES, Node, Scalar, scalar};
use crate::unit::rules;

/// Blanks of YAML; others are text.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// What YAML's own tags begin with; `!!` for short.
const NAMESPACE: &str = "tag:yaml.org,2002:";

/// The first document, and where the text goes on after it.
pub(in crate::unit) struct Document {
    /// None: the text is empty, or holds nothing but blanks and comments.
    pub(in crate::unit) root: Option<Node>,
    /// What is never read: further documents, or anything else.
    pub(in crate::unit) rest: Option<Range<usize>>,
}

/// Reads one document.
///
/// # Errors
/// A [`Fault`] at the place the parser names.
pub(in crate::unit) fn from_yaml(text: &str) -> Result<Document, Fault> {
    check_characters(text)?;
    let mut options = granit_parser::options! {
        block_scalar_eof_without_line_feed: true,
        emit_anchor_events: true,
        flow_nesting_limit: 255,
        block_nesting_limit: 255,
    };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { text, open: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0 };
    loop {
        let Some(event) = parser.next_event() else { return Ok(Document { root: builder.root, rest: None }) };
        let (event, span) = event.map_err(|error| syntax(text, &error))?;
        match event {
            Event::DocumentEnd => break,
            Event::StreamEnd => return Ok(Document { root: builder.root, rest: None }),
            event => builder.take(event, &span)?,
        }
    }
    let rest = match parser.next_event() {
        None | Some(Ok((Event::StreamEnd, _))) => None,
        Some(Ok((Event::DocumentStart(..), span))) => {
            look_ahead(&mut parser, text)?;
            Some(range(&span, text))
        }
        Some(Ok((_, span))) => Some(range(&span, text)),
        Some(Err(error)) => Some(syntax(text, &error).at),
    };
    Ok(Document { root: builder.root, rest })
}

/// Go's reader looks two tokens ahead, into the document it does not read, and refuses the first one for what it cannot make
/// out there: a broken beginning, a word that goes on over lines and turns out to be a key.
fn look_ahead<'t>(parser: &mut Parser<'t, StrInput<'t>>, text: &str) -> Result<(), Fault> {
    let refused = |error: granit_parser::ScanError| syntax(text, &error);
    let first = parser.next_event().transpose().map_err(refused)?;
    if matches!(first, Some((Event::Scalar(_, ScalarStyle::Plain, ..), _))) {
        parser.next_event().transpose().map_err(refused)?;
    }
    Ok(())
}

/// Directives: Go's reader knows two.
fn check_directives(prefix: &str, start: usize) -> Result<(), Fault> {
    let is_known = |line: &str| line.starts_with("%YAML ") || line.starts_with("%TAG ");
    match prefix.lines().find(|line| line.starts_with('%') && !is_known(line)) {
        None => Ok(()),
        Some(_) => Err(Fault { rule: rules::CU001, at: start..start, text: "found unknown directive name".to_owned() }),
    }
}

/// Characters that YAML forbids, and those that YAML 1.1 and 1.2 take differently.
fn check_characters(text: &str) -> Result<(), Fault> {
    let fault = |at: usize, text: String| Err(Fault { rule: rules::CU001, at: at..at + 1, text });
    if text.len() > BYTES {
        return fault(0, format!("the document has {} bytes; at most {BYTES} are read", text.len()));
    }
    // A tab that begins a line begins a token, for Go's reader, and no token begins so.
    let end = text.trim_end_matches(BLANKS).len();
    if let Some(at) = text[end..].find('\n').and_then(|line| Some(end + line + text[end + line..].find('\t')?)) {
        return fault(at, "found character that cannot start any token".to_owned());
    }
    let is_wrong = |(at, char): &(usize, char)| match char {
        '\t' | '\n' | '\r' | ' '..='~' => false,
        '\u{feff}' => *at > 0,
        '\u{85}' | '\u{2028}' | '\u{2029}' => true,
        '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => false,
        _ => true,
    };
    match text.char_indices().find(is_wrong) {
        None => Ok(()),
        Some((at, char @ ('\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}'))) => {
            let text =
                format!("U+{:04X} is read differently by different YAML readers: write it as an escape", char as u32);
            fault(at, text)
        }
        Some((at, _)) => fault(at, "control characters are not allowed".to_owned()),
    }
}

fn syntax(text: &str, error: &granit_parser::ScanError) -> Fault {
    let at = error.marker().byte_offset().unwrap_or_default().min(text.len());
    let why = error.info().to_owned();
    Fault { rule: rules::CU001, at: at..at, text: why }
}

fn range(span: &Span, text: &str) -> Range<usize> {
    let at = span.byte_range().unwrap_or_default();
    // A collection's span may reach over the blanks behind it.
    let end = at.start + text.get(at.clone()).map_or(0, |inside| inside.trim_end_matches(BLANKS).len());
    at.start..end.max(at.start)
}

/// A collection whose end has not come.
struct Open {
    start: usize,
    anchor: usize,
    is_map: bool,
    is_flow: bool,
    children: Vec<Node>,
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        let at = range(span, self.text);
        match event {
            Event::DocumentStart(_, version) => {
                check_directives(&self.text[..at.start.min(self.text.len())], at.start)?;
                check_version(version, at)
            }
            Event::Scalar(value, style, anchor, tag) => {
                let value = if at.is_empty() && style == ScalarStyle::Plain { "".into() } else { value };
                check_tag(tag.as_deref(), &at)?;
                self.check_scalar(&value, (style, tag.is_some()), &at)?;
                let scalar = scalar_of(&value, style, tag.as_deref()).map_err(|text| Fault {
                    rule: rules::CU003,
                    at: at.clone(),
                    text,
                })?;
                self.add(Node::leaf(at, scalar), anchor)
            }
            Event::SequenceStart(style, anchor, tag) => self.begin(at, (anchor, false, style), tag.as_deref()),
            Event::MappingStart(style, anchor, tag) => self.begin(at, (anchor, true, style), tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.end(at.end),
            Event::Anchor(_, name) => check_anchor(&name, at),
            Event::Alias(anchor) => {
                check_anchor(self.text.get(at.start + 1..at.end).unwrap_or_default(), at.clone())?;
                let Some(target) = self.anchors.get(&anchor) else {
                    let text = "an anchor's value contains itself".to_owned();
                    return Err(Fault { rule: rules::CU001, at, text });
                };
                let name = self.text.get(at.clone()).unwrap_or_default().to_owned();
                self.add(Node { at, alias: Some(name), ..target.clone() }, 0)
            }
            _ => Ok(()),
        }
    }

    /// What Go's reader does not take, or takes for something else.
    fn check_scalar(
        &self,
        value: &str,
        (style, is_tagged): (ScalarStyle, bool),
        at: &Range<usize>,
    ) -> Result<(), Fault> {
        let fault = |text: &str| Err(Fault { rule: rules::CU001, at: at.clone(), text: text.to_owned() });
        let written = self.text.get(at.clone()).unwrap_or_default();
        let is_key = self.open.last().is_some_and(|open| open.is_map && open.children.len() % 2 == 0);
        let in_brackets = self.open.iter().any(|open| open.is_flow);
        match style {
            ScalarStyle::Plain if is_key && at.is_empty() => fault("did not find expected key"),
            ScalarStyle::Plain if in_brackets && at.is_empty() && is_tagged => {
                fault("a tag in brackets with nothing behind it")
            }
            ScalarStyle::Plain if in_brackets && value.starts_with(['?', ':']) => {
                fault("a word that begins with `?` or `:` in brackets has to stand in quotes")
            }
            ScalarStyle::Plain if in_brackets && self.has_lone_question_mark(at) => {
                fault("`?` before a blank in brackets has to stand in quotes")
            }
            ScalarStyle::DoubleQuoted if has_escaped_slash(written) => fault("found unknown escape character"),
            _ => Ok(()),
        }
    }

    /// A `?` that a blank follows.
    fn has_lone_question_mark(&self, at: &Range<usize>) -> bool {
        let follows = |index: usize| self.text[at.start + index + 1..].chars().next().is_none_or(char::is_whitespace);
        let written = self.text.get(at.clone()).unwrap_or_default();
        written.match_indices('?').any(|(index, _)| follows(index))
    }

    fn begin(
        &mut self,
        at: Range<usize>,
        (anchor, is_map, style): (usize, bool, StructureStyle),
        tag: Option<&Tag>,
    ) -> Result<(), Fault> {
        check_tag(tag, &at)?;
        if tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("null")) {
            let text = "a list or mapping tagged !!null".to_owned();
            return Err(Fault { rule: rules::CU003, at, text });
        }
        if self.open.len() >= DEPTH as usize {
            return Err(too_deep(at));
        }
        let is_flow = style == StructureStyle::Flow;
        self.open.push(Open { start: at.start, anchor, is_map, is_flow, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Fault> {
        let Some(Open { start, anchor, is_map, children, .. }) = self.open.pop() else { return Ok(()) };
        let end = children.last().map_or(end, |child| child.at.end.max(end)).max(start);
        let content = if is_map {
            let mut children = children.into_iter();
            Content::Map(std::iter::from_fn(|| Some((children.next()?, children.next()?))).collect())
        } else {
            Content::List(children)
        };
        let mut node = Node::inner(start..end, content);
        // Counted when its parts were.
        self.nodes -= node.size - 1;
        node.at.end = node.at.end.min(self.text.len());
        self.add(node, anchor)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += node.size;
        if self.nodes > NODES {
            let text = format!("the document has more than {NODES} values, with those that aliases stand for");
            return Err(Fault { rule: rules::CU001, at: node.at, text });
        }
        if self.open.len() as u32 + node.height > DEPTH {
            return Err(too_deep(node.at));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

/// `\/`, which YAML 1.2 has and YAML 1.1 has not.
fn has_escaped_slash(written: &str) -> bool {
    let mut bytes = written.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'/') {
            return true;
        }
    }
    false
}

/// Characters of tags as Go's reader takes them.
fn check_tag(tag: Option<&Tag>, at: &Range<usize>) -> Result<(), Fault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$,.!~*'()[]%".contains(&byte);
    let text = "did not find expected whitespace or line break".to_owned();
    match tag.is_none_or(|tag| tag.suffix().bytes().all(fits)) {
        true => Ok(()),
        false => Err(Fault { rule: rules::CU001, at: at.clone(), text }),
    }
}

/// Names of anchors as Go's reader takes them: other readers take nearly any character.
fn check_anchor(name: &str, at: Range<usize>) -> Result<(), Fault> {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let text = "did not find expected alphabetic or numeric character".to_owned();
    if fits && !name.is_empty() { Ok(()) } else { Err(Fault { rule: rules::CU001, at, text }) }
}

fn too_deep(at: Range<usize>) -> Fault {
    Fault { rule: rules::CU001, at, text: format!("more than {DEPTH} lists and mappings inside one another") }
}

fn check_version(version: Option<YamlVersion>, at: Range<usize>) -> Result<(), Fault> {
    match version {
        None | Some(YamlVersion { major: 1, minor: 1 | 2 }) => Ok(()),
        Some(_) => Err(Fault { rule: rules::CU001, at, text: "found incompatible YAML document".to_owned() }),
    }
}

fn scalar_of(value: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, String> {
    match tag.map(|tag| (tag.suffix_in_namespace(NAMESPACE), tag.parts())) {
        // `!` alone says nothing to Go's reader.
        None | Some((_, ("", "!") | ("!", ""))) => {}
        Some((Some(name), _)) => return scalar::tagged(&name, value),
        Some((None, _)) => return Ok(scalar::quoted(value.to_owned())),
    }
    Ok(match style {
        ScalarStyle::Plain => scalar::plain(value),
        _ => scalar::quoted(value.to_owned()),
    })
}
