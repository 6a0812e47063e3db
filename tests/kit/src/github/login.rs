//! GitHub's device flow, and who a token belongs to: what `gh auth login --web` asks. GitHub Docs, "Authorizing OAuth apps",
//! "Device flow".
//!
//! Pure: a call gives an answer, or is none of this. A code is asked for; the person takes a moment, so the first question for
//! the token is answered `authorization_pending`; the second one gets it, once. The token then shows its scopes, and its user
//! to the one GraphQL query that names the `viewer`.

use aileron_cli::publisher::forge::model::Response;
use aileron_cli::publisher::forge::model::wire::Call;
use serde_json::{Value, json};

/// What the person types into the browser.
pub const USER_CODE: &str = "ABCD-1234";
/// The code the program waits with.
const DEVICE_CODE: &str = "3584d83530557fdd1f46af8289938c8ef79f9dc5";
/// What a login for `gh` is granted.
const SCOPES: &str = "gist, read:org, repo";

/// One person who may log in, and what came of it so far.
#[derive(Clone, Debug)]
pub struct Login {
    user: String,
    token: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody asked.
    Idle,
    /// A code was given out, and the person has not answered.
    Asked,
    /// The person has, meanwhile.
    Allowed,
    /// The token was given out.
    Done,
}

impl Login {
    /// This user, whose login ends with this token.
    pub fn new(user: &str, token: &str) -> Login {
        Login { user: user.to_owned(), token: token.to_owned(), state: State::Idle }
    }

    /// Whether the token was given out.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The answer, where the call belongs to a login.
    pub fn answer(&mut self, call: &Call) -> Option<Response> {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/login/device/code") => Some(self.code(call)),
            ("POST", "/login/oauth/access_token") => Some(self.access_token(call)),
            ("POST", "/graphql" | "/api/graphql") if asks_for_viewer(call) => Some(self.viewer(call)),
            ("GET", "/" | "/api/v3/" | "/user" | "/api/v3/user") => Some(self.scopes(call)),
            _ => None,
        }
    }

    fn code(&mut self, call: &Call) -> Response {
        if parameter(call, "client_id").is_none() {
            return Response::json(404, json!({"error": "Not Found"}));
        }
        self.state = State::Asked;
        // Of the time between two questions the documentation has 5 seconds; a test waits for nobody.
        Response::json(
            200,
            json!({
                "device_code": DEVICE_CODE, "user_code": USER_CODE, "expires_in": 900, "interval": 0,
                "verification_uri": format!("{}/login/device", call.origin),
            }),
        )
    }

    fn access_token(&mut self, call: &Call) -> Response {
        let grant = parameter(call, "grant_type");
        let refused = |error: &str| Response::json(200, json!({"error": error}));
        match (parameter(call, "device_code").as_deref(), self.state) {
            _ if grant.as_deref() != Some("urn:ietf:params:oauth:grant-type:device_code") => {
                refused("unsupported_grant_type")
            }
            (Some(DEVICE_CODE), State::Asked) => {
                self.state = State::Allowed;
                refused("authorization_pending")
            }
            (Some(DEVICE_CODE), State::Allowed) => {
                self.state = State::Done;
                let scope = SCOPES.replace(", ", ",");
                Response::json(200, json!({"access_token": self.token, "token_type": "bearer", "scope": scope}))
            }
            _ => refused("incorrect_device_code"),
        }
    }

    fn viewer(&self, call: &Call) -> Response {
        match self.is_shown(call) {
            true => Response::json(200, json!({"data": {"viewer": {"login": self.user}}})),
            false => unknown(),
        }
    }

    fn scopes(&self, call: &Call) -> Response {
        match self.is_shown(call) {
            true => Response::json(200, json!({"login": self.user})).with("x-oauth-scopes", SCOPES),
            false => unknown(),
        }
    }

    fn is_shown(&self, call: &Call) -> bool {
        let shown = call.authorization.as_deref().and_then(|shown| shown.split_once(' '));
        self.is_done() && shown.is_some_and(|(_, token)| token == self.token)
    }
}

fn unknown() -> Response {
    Response::refusal(401, "Bad credentials", "")
}

fn asks_for_viewer(call: &Call) -> bool {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    body["query"].as_str().is_some_and(|query| query.contains("viewer"))
}

/// A field of a form, or of the query.
fn parameter(call: &Call, name: &str) -> Option<String> {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let pairs = body.split('&').chain(call.query.split('&'));
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name)?.1;
    Some(value.replace("%3A", ":").replace("%2C", ","))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn call(method: &str, path: &str, authorization: Option<&str>, body: &str) -> Call {
        Call {
            method: method.to_owned(),
            origin: "http://github.localhost".to_owned(),
            path: path.to_owned(),
            query: String::new(),
            authorization: authorization.map(str::to_owned),
            accept: None,
            content_type: None,
            user_agent: None,
            body: Arc::from(body.as_bytes()),
        }
    }

    #[test] // GitHub Docs, "Authorizing OAuth apps", "Device flow"
    fn a_code_is_asked_for_then_its_token_which_comes_once_and_then_says_whose_it_is() {
        let mut login = Login::new("octocat", "gho_x");
        let mut ask = |path: &str, authorization, body: &str| {
            let method = if body.is_empty() { "GET" } else { "POST" };
            login
                .answer(&call(method, path, authorization, body))
                .map(|answer| (answer.status, answer.document().clone()))
        };
        let poll = format!(
            "client_id=c&device_code={DEVICE_CODE}&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
        );
        let viewer = r#"{"query":"query UserCurrent{viewer{login}}"}"#;
        let error = |text: &str| Some((200, json!({"error": text})));
        assert_eq!(ask("/login/oauth/access_token", None, &poll), error("incorrect_device_code"));
        assert_eq!(ask("/graphql", Some("token gho_x"), viewer).map(|(status, _)| status), Some(401));
        let (status, code) = ask("/login/device/code", None, "client_id=c&scope=repo").expect("an answer");
        assert_eq!((status, &code["user_code"]), (200, &USER_CODE.into()));
        assert_eq!(ask("/login/oauth/access_token", None, &poll), error("authorization_pending"));
        assert_eq!(ask("/login/oauth/access_token", None, "device_code=x"), error("unsupported_grant_type"));
        let (_, token) = ask("/login/oauth/access_token", None, &poll).expect("an answer");
        assert_eq!(token["access_token"], "gho_x");
        assert_eq!(ask("/login/oauth/access_token", None, &poll), error("incorrect_device_code"), "it comes once");
        let (_, whose) = ask("/graphql", Some("token gho_x"), viewer).expect("an answer");
        assert_eq!(whose["data"]["viewer"]["login"], "octocat");
        assert_eq!(ask("/", Some("token gho_other"), "").map(|(status, _)| status), Some(401));
        assert_eq!(ask("/repos/a/b", None, ""), None);
    }
}
