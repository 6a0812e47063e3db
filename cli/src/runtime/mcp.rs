//! The Model Context Protocol: an agent's host lists tools and calls them, one JSON message a line over two streams.
//!
//! The protocol is `rmcp`'s; which tools there are, and what a call does, is [`Tools`]'. A call runs on a thread of its own,
//! so that others are answered meanwhile.

mod asking;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aileron_verifier::problem::Class;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use self::asking::{Asking, can_ask};

/// Tools on one page of a list.
pub const PAGE: usize = 100;
/// How often it is looked whether it is to end.
const SLICE: Duration = Duration::from_millis(50);
/// How long the end waits for calls: asking for a token and storing it takes no longer.
const LAST_CALLS: Duration = Duration::from_secs(65);

/// A tool, as it is listed.
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub schema: Map<String, Value>,
    /// Whether calling it again changes nothing more, where its publisher says so.
    pub is_idempotent: bool,
}

/// One page of the list.
pub struct Page {
    /// The tools on it.
    pub tools: Vec<ListedTool>,
    /// Where the next one continues, if there is one.
    pub next: Option<String>,
}

/// What came of a call.
pub struct Called {
    /// A JSON document.
    pub document: String,
    /// Whether it says why there is no result.
    pub is_error: bool,
}

/// Why there is no list of tools: of this class, for this reason.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct NotListed {
    /// The failure class.
    pub class: Class,
    /// The reason.
    pub message: String,
}

/// Why nothing was served.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// The system gives no event loop.
    #[error("no event loop: {0}")]
    System(io::Error),
    /// The other side does not begin as an agent's host does.
    #[error("standard input is not an MCP client: {0}")]
    NotSpoken(Box<ServerInitializeError>),
    /// The protocol library failed.
    #[error("the MCP connection failed: {0}")]
    Broken(tokio::task::JoinError),
}

impl McpError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            McpError::NotSpoken(_) => Class::UsageError,
            McpError::System(_) | McpError::Broken(_) => Class::ConnectorRuntimeError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            McpError::System(_) => true,
            McpError::NotSpoken(_) | McpError::Broken(_) => false,
        }
    }
}

/// Asks the person at the host's end a yes-or-no question. An error says why it could not be asked.
pub type AskUser<'a> = dyn Fn(&str) -> io::Result<bool> + 'a;

/// What is behind the protocol. Called on threads that may wait.
pub trait Tools: Send + Sync + 'static {
    /// The tools after the one that is named so, at most [`PAGE`] of them.
    ///
    /// # Errors
    /// [`NotListed`].
    fn list(&self, after: Option<&str>) -> Result<Page, NotListed>;

    /// Calls one. `None` where there is none of that name. `ask` is there where the host can ask its user.
    fn call(&self, name: &str, arguments: &Map<String, Value>, ask: Option<&AskUser<'_>>) -> Option<Called>;
}

struct Server {
    tools: Arc<dyn Tools>,
    under_way: Arc<AtomicUsize>,
}

/// Serves until the other side goes away or `stop` is set. Calls that are under way then come to their end.
///
/// # Errors
/// [`McpError`].
pub fn serve(
    tools: Arc<dyn Tools>,
    streams: impl FnOnce() -> (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>),
    stop: &AtomicBool,
) -> Result<(), McpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(McpError::System)?;
    let under_way = Arc::new(AtomicUsize::new(0));
    let server = Server { tools, under_way: Arc::clone(&under_way) };
    let served = runtime.block_on(async {
        let stopped = async {
            while !stop.load(Ordering::SeqCst) {
                tokio::time::sleep(SLICE).await;
            }
        };
        let serving = async {
            let running = server.serve(streams()).await.map_err(|error| McpError::NotSpoken(Box::new(error)))?;
            running.waiting().await.map_err(McpError::Broken)
        };
        let served = tokio::select! {
            served = serving => served.map(drop),
            () = stopped => Ok(()),
        };
        let ended = async {
            while under_way.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(SLICE).await;
            }
        };
        stop.store(true, Ordering::SeqCst);
        let _ = tokio::time::timeout(LAST_CALLS, ended).await; // what takes longer is left
        served
    });
    // A thread that reads standard input cannot be stopped, and is not waited for.
    runtime.shutdown_background();
    served
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("aileron", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (tools, after) = (Arc::clone(&self.tools), request.and_then(|request| request.cursor));
        let listed = tokio::task::spawn_blocking(move || tools.list(after.as_deref())).await;
        let not_listed =
            |NotListed { class, message }| ErrorData::internal_error(message, Some(json!({"class": class.as_str()})));
        let page = listed.map_err(|_| failed())?.map_err(not_listed)?;
        let mut result = ListToolsResult::with_all_items(page.tools.into_iter().map(as_listed).collect());
        result.next_cursor = page.next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (tools, name) = (Arc::clone(&self.tools), request.name.into_owned());
        let unknown = ErrorData::invalid_params(format!("Unknown tool: {name}"), None);
        let arguments = request.arguments.unwrap_or_default();
        let (answers, state) = (request.input_responses.as_ref(), request.request_state.as_deref());
        let can_ask = can_ask(&context);
        let asking = Asking::new(context, &name, &arguments, answers, state);
        let under_way = UnderWay::of(&self.under_way);
        let call = move || {
            let _under_way = under_way;
            let ask = |message: &str| asking.ask(message);
            let called = tools.call(&name, &arguments, can_ask.then_some(&ask as &AskUser<'_>));
            (called, asking)
        };
        let (called, asking) = tokio::task::spawn_blocking(call).await.map_err(|_| failed())?;
        match asking.into_question() {
            Some(question) => question.map(CallToolResponse::InputRequired),
            None => called.map(|called| as_result(called).into()).ok_or(unknown),
        }
    }
}

fn as_listed(tool: ListedTool) -> Tool {
    let annotations = ToolAnnotations::new().idempotent(tool.is_idempotent);
    Tool::new(Cow::Owned(tool.name), Cow::Owned(tool.description), Arc::new(tool.schema)).with_annotations(annotations)
}

/// As text, digit for digit, for a reader; and as a value for a program.
fn as_result(called: Called) -> CallToolResult {
    let text = vec![ContentBlock::text(called.document.clone())];
    let mut result = if called.is_error { CallToolResult::error(text) } else { CallToolResult::success(text) };
    result.structured_content = serde_json::from_str(&called.document).ok();
    result
}

fn failed() -> ErrorData {
    ErrorData::internal_error("the call ended without an answer", None)
}

/// One more that the end waits for, until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn of(counter: &Arc<AtomicUsize>) -> UnderWay {
        counter.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(counter))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
