//! The values that templates are filled with.

use aileron_verifier::artifact::config::Signing;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::json;

use super::contents::{Credential, Operation};
use super::preset::Preset;
use super::{Scaffold, repository};

/// Everything a template may say.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    owner: String,
    service: String,
    publisher: String,
    repo: String,
    fqn: String,
    language: &'static str,
    credential: &'static str,
    /// Whether any operation asks the API.
    network: bool,
    signing: &'static str,
    base: &'static str,
    /// `api.example.com:443`.
    host: String,
    scope: &'static str,
    key_format: &'static str,
    authorize_url: &'static str,
    token_url: &'static str,
    client_id: String,
    client_secret: bool,
    scopes: Vec<&'static str>,
    headers: Vec<(String, String)>,
    preset: Option<PresetWords>,
    pub(super) ops: Vec<OperationWords>,
    /// Operations that take an id, and of them those that write.
    reads: bool,
    writes: bool,
    /// Operations whose request is always the same.
    fixed: bool,
    /// What all actions together are for, in a sentence.
    suite: String,
    /// WebAssembly text: the answer to what is no operation, with its place in memory.
    unknown: String,
    unknown_at: usize,
    /// WebAssembly text: where requests and responses begin in memory, and how many pages that takes.
    buffer_at: usize,
    pages: usize,
}

#[derive(Debug, Serialize)]
struct PresetWords {
    title: &'static str,
    page: &'static str,
    steps: &'static [&'static str],
}

/// An operation, and its action.
#[derive(Debug, Serialize)]
pub(super) struct OperationWords {
    name: String,
    /// `tea-get-item`.
    action: String,
    /// `get-item`.
    file: String,
    /// `get item`.
    words: String,
    /// `Get item`.
    title: String,
    gated: bool,
    /// Answered without the network.
    local: bool,
    /// The output, as JSON and as TOML, of a local one.
    answer: String,
    answer_toml: String,
    method: &'static str,
    path: String,
    id: bool,
    text: bool,
    body: Option<&'static str>,
    /// The operation that shows what a gated one is about.
    preview: Option<String>,
    /// WebAssembly text: its name in quotes, and its answer or its request, each with its place in memory.
    wat_name: String,
    wat_name_at: usize,
    wat_text: String,
    wat_text_at: usize,
}

/// Where texts begin in a module's memory; before it are the places of reads and writes, and the module's own texts.
const WAT_TEXTS: usize = 1024;

const PAGE: usize = 65_536;

impl Words {
    pub(super) fn of(request: &Scaffold) -> Words {
        let repo = repository(&request.service);
        let fqn = format!("github://{}/{repo}", request.owner);
        let preset = request.preset;
        let oauth = preset.and_then(|preset| preset.oauth.as_ref());
        let base = preset.map_or("https://api.example.com/v1", |preset| preset.base);
        let host = base.trim_start_matches("https://").split('/').next().unwrap_or_default();
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        headers.extend(
            preset.iter().flat_map(|preset| preset.headers).map(|(name, value)| ((*name).into(), (*value).into())),
        );
        let mut ops: Vec<OperationWords> =
            request.operations.iter().map(|operation| OperationWords::of(operation, request, &fqn)).collect();
        let preview = ops.iter().find(|op| op.id && !op.gated).map(|op| op.name.clone());
        for op in ops.iter_mut().filter(|op| op.gated && op.id) {
            op.preview.clone_from(&preview);
        }
        let mut words = Words {
            language: request.template.as_str(),
            credential: request.credential.as_str(),
            network: ops.iter().any(|op| !op.local),
            signing: request.signing.as_str(),
            host: format!("{host}:443"),
            base,
            scope: preset.map_or("Read items and write comments on them", |preset| preset.scope),
            key_format: preset.and_then(|preset| preset.key_format).unwrap_or("Bearer {key}"),
            authorize_url: oauth.map_or("https://auth.example.com/authorize", |oauth| oauth.authorize_url),
            token_url: oauth.map_or("https://auth.example.com/token", |oauth| oauth.token_url),
            client_id: request.client_id.clone().unwrap_or_default(),
            client_secret: oauth.is_some_and(|oauth| oauth.secret),
            scopes: oauth.map_or(vec!["read", "write"], |oauth| oauth.scopes.to_vec()),
            preset: preset.map(|preset| PresetWords { title: preset.title, page: preset.page, steps: preset.steps }),
            reads: ops.iter().any(|op| op.id),
            writes: ops.iter().any(|op| op.text),
            fixed: ops.iter().any(|op| !op.local && !op.id),
            owner: request.owner.clone(),
            service: request.service.clone(),
            publisher: request.publisher.trim().to_owned(),
            repo,
            fqn,
            headers,
            suite: suite(&ops, &request.service),
            ops,
            unknown: String::new(),
            unknown_at: 0,
            buffer_at: 0,
            pages: 0,
        };
        words.lay_out();
        words
    }

    /// Gives every text of the module in WebAssembly text its place.
    fn lay_out(&mut self) {
        let mut at = WAT_TEXTS;
        let mut place = |text: &str| {
            let here = at;
            at = (at + text.len() + 1).next_multiple_of(16);
            here
        };
        let names: Vec<&str> = self.ops.iter().map(|op| op.name.as_str()).collect();
        let unknown = match names.split_last() {
            Some((last, [])) => format!("the only operation is {last}"),
            Some((last, others)) => format!("the operations are {} and {last}", others.join(", ")),
            None => String::new(),
        };
        let unknown = json!({"error": {"class": "unknown_op", "message": unknown}}).to_string();
        self.unknown_at = place(&unknown);
        self.unknown = wat(&unknown);
        for op in &mut self.ops {
            let mut request = json!({
                "method": op.method,
                "url": format!("{}{}", self.base, op.path),
                "headers": self.headers.iter().map(|(name, value)| (name.clone(), json!(value)))
                    .chain(op.body.map(|_| ("Content-Type".to_owned(), json!("application/json"))))
                    .collect::<serde_json::Map<_, _>>(),
                "credential": self.credential,
            });
            if let Some(body) = op.body {
                request["body"] = json!(body);
            }
            let text = if op.local { format!("{{\"output\":{}}}", op.answer) } else { request.to_string() };
            let name = format!("\"{}\"", op.name);
            op.wat_name_at = place(&name);
            op.wat_text_at = place(&text);
            op.wat_name = wat(&name);
            op.wat_text = wat(&text);
        }
        self.buffer_at = at.next_multiple_of(4096);
        self.pages = self.buffer_at / PAGE + 1;
    }

    pub(super) fn value(&self) -> Value {
        Value::from(Serde(self))
    }
}

impl OperationWords {
    fn of(operation: &Operation, request: &Scaffold, fqn: &str) -> OperationWords {
        let name = operation.name.clone();
        let file = name.replace('_', "-");
        let words = name.replace('_', " ");
        let title = words[..1].to_uppercase() + &words[1..];
        let own = request.preset.map(|preset: &Preset| &preset.operation).filter(|own| own.name == name);
        let local = request.credential == Credential::None || matches!(&*name, "about" | "ping");
        // WebAssembly text reads no arguments.
        let takes = !local && own.is_none() && request.template.as_str() != "wat";
        let names: Vec<&str> = request.operations.iter().map(|operation| operation.name.as_str()).collect();
        let (answer, answer_toml) = match &*name {
            "about" => (
                json!({"connector": fqn, "operations": names}).to_string(),
                format!("{{ connector = \"{fqn}\", operations = {} }}", json!(names).to_string().replace(',', ", ")),
            ),
            "ping" => (json!({"answer": "pong"}).to_string(), "{ answer = \"pong\" }".to_owned()),
            name => (json!({"answer": name}).to_string(), format!("{{ answer = \"{name}\" }}")),
        };
        let slash = if takes { "/" } else { "" };
        OperationWords {
            action: format!("{}-{file}", request.service),
            method: own.map_or(if operation.gated { "POST" } else { "GET" }, |own| own.method),
            path: own.map_or_else(|| format!("/{file}{slash}"), |own| own.path.to_owned()),
            body: own.map_or(if operation.gated && !takes { Some("{}") } else { None }, |own| own.body),
            gated: operation.gated,
            id: takes,
            text: takes && operation.gated,
            preview: None,
            wat_name: String::new(),
            wat_name_at: 0,
            wat_text: String::new(),
            wat_text_at: 0,
            name,
            file,
            words,
            title,
            local,
            answer,
            answer_toml,
        }
    }
}

/// What the actions are for.
fn suite(ops: &[OperationWords], service: &str) -> String {
    let names: Vec<&str> = ops.iter().map(|op| op.name.as_str()).collect();
    match names[..] {
        ["about", "ping"] => format!("Ask the {service} connector whether it answers, and what it can do."),
        ["get_item", "comment_on_item"] => format!("Read {service} items and comment on them."),
        _ => {
            let words: Vec<&str> = ops.iter().map(|op| op.words.as_str()).collect();
            format!("Actions for {service}: {}.", words.join(", "))
        }
    }
}

/// A text inside the quotes of WebAssembly text.
fn wat(text: &str) -> String {
    text.replace('\\', "\\5c").replace('"', "\\\"")
}

/// Who signs the releases of a new repository.
pub const USUAL_SIGNING: Signing = Signing::Approve;
