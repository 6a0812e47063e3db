//! A Squad Aegis host on a local port: the upload surface of aegis-bundle.md §11, over a pure model of what a host keeps.
//!
//! Nothing starts a binary here: what a started one would report is a setting of the [`model`]. Time passes only when a test
//! says so.

pub mod bundle;
mod form;
pub mod model;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aileron_verifier::aegis::Kind;
use serde_json::{Value, json};

use self::form::Form;
use self::model::{HostModel, Login};
use crate::scripted::{Answer, Received, Scripted};

/// A session token of a super admin: a text that no output may hold.
pub const TOKEN: &str = "5ession-t0ken-of-a-super-admin";
/// One of a user who may not upload.
pub const USER_TOKEN: &str = "5ession-t0ken-of-a-user";

/// A running host.
pub struct FakeHost {
    model: Arc<Mutex<HostModel>>,
    server: Scripted,
}

impl FakeHost {
    /// One that has this state.
    pub fn start(model: HostModel) -> FakeHost {
        let model = Arc::new(Mutex::new(model));
        let shared = model.clone();
        let server = Scripted::start(move |request| {
            let (status, body) = answer(&mut locked(&shared), request);
            let (body, reason) = (body.to_string(), reason(status));
            let headers =
                format!("Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n", body.len());
            Answer::with(&format!("{status} {reason}"), &headers, body)
        });
        FakeHost { model, server }
    }

    /// Its base address.
    pub fn base(&self) -> String {
        self.server.base()
    }

    /// What it keeps, to be looked at or changed as its operator would.
    pub fn model(&self) -> MutexGuard<'_, HostModel> {
        locked(&self.model)
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Received> {
        self.server.seen()
    }
}

fn locked(model: &Mutex<HostModel>) -> MutexGuard<'_, HostModel> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    }
}

/// Status and document of one request. aegis-bundle.md §11.
fn answer(host: &mut HostModel, request: &Received) -> (u16, Value) {
    let say = |status: u16, message: &str, data: Option<Value>| {
        let mut document = json!({"message": message, "code": status});
        if let Some(data) = data {
            document["data"] = data;
        }
        (status, document)
    };
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let kind = match (request.method.as_str(), path) {
        ("POST", "/api/plugins/upload") => Kind::Plugin,
        ("POST", "/api/connectors/packages/upload") => Kind::Connector,
        _ => return say(404, "Not Found", None),
    };
    let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    match host.login(token) {
        Login::None => return say(401, "Unauthorized", None),
        Login::User => return say(403, "Forbidden", None),
        Login::SuperAdmin => {}
    }
    if !host.has_a_turn() {
        return say(429, "Rate limit exceeded, please try again later", None);
    }
    let title = if kind == Kind::Plugin { "Plugin" } else { "Connector" };
    let limit = host.upload_limit();
    let form = Form::read(request.header("content-type").unwrap_or_default(), &request.body);
    let fits = request.body.len() as u64 <= limit + 1024;
    let Some(form) = form.filter(|_| fits) else {
        return say(400, &format!("No {kind} bundle provided"), Some(json!({})));
    };
    if !form.file_name.to_ascii_lowercase().ends_with(".zip") {
        return say(400, &format!("{title} bundle must be a .zip file"), Some(json!({})));
    }
    let size = form.file.len() as u64;
    if size > limit {
        let data = json!({"file_size": size, "max_size": limit});
        return say(400, &format!("{title} bundle is too large"), Some(data));
    }
    let confirm = query.split('&').any(|pair| pair == "confirm_unsafe=true");
    match host.upload(form.file, kind, confirm) {
        Ok(package) => {
            let record = package.record(kind);
            let message = format!("{title} uploaded successfully");
            say(200, &message, Some(json!({ kind.as_str(): record })))
        }
        Err(refused) if refused.needs_confirm => {
            say(400, &refused.text, Some(json!({"error": refused.text, "needs_confirm_unsafe": true})))
        }
        Err(refused) => {
            let message = format!("Failed to install uploaded {kind} bundle");
            say(400, &message, Some(json!({"error": refused.text})))
        }
    }
}
