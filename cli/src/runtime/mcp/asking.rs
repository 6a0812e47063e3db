//! How the person at the host's end is asked, in the two ways the protocol has had.
//!
//! In sessions that begin with `initialize` the server asks in the middle of a call, and waits. Since 2026-07-28 a server asks
//! nothing by itself: the call is answered with the question, and the host makes the same call again with the answer. An
//! answer is for the call it was asked about: the state that comes back with it names tool and arguments.

use std::io;
use std::sync::{Mutex, PoisonError};

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequiredResult, InputResponses,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

/// What the yes to a question is called.
const APPROVED: &str = "approve";
/// The only question of a call.
const QUESTION: &str = "approval";

/// Whether the host can ask its user.
pub(super) fn can_ask(context: &RequestContext<RoleServer>) -> bool {
    let capabilities = context.client_capabilities();
    // One that says neither how has a form: the first version of this had nothing else.
    let asks = capabilities.and_then(|capabilities| capabilities.elicitation);
    asks.is_some_and(|asks| asks.form.is_some() || asks.url.is_none())
}

/// The question of one call.
pub(super) struct Asking {
    way: Way,
    context: RequestContext<RoleServer>,
}

enum Way {
    /// Asks meanwhile.
    Meanwhile(Handle),
    /// Asks by the answer to the call.
    Afterwards {
        /// What names the call.
        state: String,
        /// What was answered, where this call is the second one.
        answered: Option<bool>,
        /// What is to be asked.
        question: Mutex<Option<String>>,
    },
}

impl Asking {
    /// For a call of this tool with these arguments; the answer and its state are there when it was asked before.
    pub(super) fn new(
        context: RequestContext<RoleServer>,
        name: &str,
        arguments: &Map<String, Value>,
        answers: Option<&InputResponses>,
        state: Option<&str>,
    ) -> Asking {
        let is_session = context.protocol_version().is_none_or(|version| version.has_initialize());
        if is_session {
            return Asking { way: Way::Meanwhile(Handle::current()), context };
        }
        let call = serde_json::json!([name, arguments]).to_string();
        let ours: String = Sha256::digest(call).iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = answers.and_then(|answers| answers.get(QUESTION)).filter(|_| state == Some(&ours));
        let answered =
            answer.and_then(|answer| serde_json::from_value(answer.clone()).ok()).map(|answer| is_yes(&answer));
        Asking { way: Way::Afterwards { state: ours, answered, question: Mutex::default() }, context }
    }

    /// Asks, and waits for the answer where it can be waited for; else the answer is a no for now.
    pub(super) fn ask(&self, message: &str) -> io::Result<bool> {
        match &self.way {
            Way::Meanwhile(handle) => handle.block_on(async {
                let peer = &self.context.peer;
                let answer = async { peer.create_elicitation(question(message)?).await.map_err(io::Error::other) };
                tokio::select! {
                    answer = answer => answer.map(|answer| is_yes(&answer)),
                    // A call that was cancelled meanwhile is not approved.
                    () = self.context.ct.cancelled() => Ok(false),
                }
            }),
            Way::Afterwards { answered: Some(answered), .. } => Ok(*answered),
            Way::Afterwards { question, .. } => {
                *question.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.to_owned());
                Ok(false)
            }
        }
    }

    /// The question that the call is to be answered with, where there is one.
    pub(super) fn into_question(self) -> Option<Result<InputRequiredResult, ErrorData>> {
        let Way::Afterwards { state, question: asked, .. } = self.way else { return None };
        let message = asked.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        let ask = |params| {
            let requests = [(QUESTION.to_owned(), InputRequest::Elicitation(ElicitRequest::new(params)))];
            InputRequiredResult::new(Some(requests.into_iter().collect()), Some(state))
        };
        Some(question(&message).map(ask).map_err(|error| ErrorData::internal_error(error.to_string(), None)))
    }
}

fn question(message: &str) -> io::Result<ElicitRequestParams> {
    let schema = ElicitationSchema::builder()
        .required_bool_with(APPROVED, |yes| yes.title("Run it").description("Whether it may run").with_default(false));
    let requested_schema = schema.build().map_err(io::Error::other)?;
    Ok(ElicitRequestParams::FormElicitationParams { meta: None, message: message.to_owned(), requested_schema })
}

/// Only a plain yes is one.
fn is_yes(answer: &ElicitResult) -> bool {
    let approved = answer.content.as_ref().and_then(|content| content.get(APPROVED)?.as_bool());
    answer.action == ElicitationAction::Accept && approved == Some(true)
}
