//! The steps of a connector. aegis-bundle.md §14.1, §19.2.

use std::time::Duration;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::definition::Definition;
use aileron_verifier::aegis::troubleshooting::Row;
use aileron_verifier::problem::Severity;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::TryOptions;
use super::judge::{self, Request};
use super::messages::{ConnectorDefinition, ConnectorInitialize, Invoke, InvokeResponse, Status};
use super::plugin::{CONFIGURE, DEFINITION, INITIALIZE, configure, failed, start, stop, text};
use super::sample::{self, brief};
use super::session::{Halt, Session};
use super::subject::Subject;

/// A host's limit for a request. aegis-bundle.md §14.1.
const INVOKE: Duration = Duration::from_secs(30);
const INSTANCE: &str = "00000000-0000-4000-8000-000000000001";

pub(super) async fn drive(session: &mut Session<'_, '_>, subject: &Subject, options: &TryOptions) -> Result<(), Halt> {
    let definition = definition(session, subject).await?;
    let schema = definition.config_schema.as_ref();
    let configuration = sample::configured(schema, options.answers.config.as_ref());
    let (step, since) = ("Initialize", Instant::now());
    let request = ConnectorInitialize { config_json: text(&configuration), instance_id: INSTANCE.to_owned() };
    match session.ask::<()>(step, step, &request, (INITIALIZE, Some(Row::StuckAtStarting))).await? {
        Ok(()) => session.step(step, "ok", since),
        Err(error) => return Err(failed(session, step, &error)),
    }
    // A connector has no LongRunning: its Start returns.
    start(session, false).await?;
    let (step, since) = ("GetStatus", Instant::now());
    match session.ask::<Status>(step, step, &(), (CONFIGURE, Some(Row::StuckAtStarting))).await? {
        Ok(Status { status }) => {
            session.step(step, brief(&status), since);
            judge::status(&status).into_iter().for_each(|finding| session.found(finding));
        }
        Err(error) => return Err(failed(session, step, &error)),
    }
    configure(session, &configuration, &sample::changed(&configuration, schema)).await?;
    for data in &options.answers.invokes {
        invoke(session, "1", Some(data), Request::OfTheAuthor).await?;
    }
    let unknown = json!({"action": "no-such-action-of-aileron"});
    let ping = json!({"action": "ping"});
    invoke(session, "1", Some(&ping), Request::Ping).await?;
    invoke(session, "1", Some(&unknown), Request::UnknownAction).await?;
    invoke(session, "1", None, Request::NoData).await?;
    invoke(session, "2", Some(&ping), Request::OtherVersion).await?;
    stop(session).await
}

async fn definition(session: &mut Session<'_, '_>, subject: &Subject) -> Result<ConnectorDefinition, Halt> {
    let (step, since) = ("GetDefinition", Instant::now());
    let definition = match session.ask::<ConnectorDefinition>(step, step, &(), (DEFINITION, None)).await? {
        Ok(definition) => definition,
        Err(error) => return Err(failed(session, step, &error)),
    };
    let found = judge::definition(Kind::Connector, &Definition::from(&definition), &subject.id, &[]);
    let is_refused = found.iter().any(|finding| finding.severity == Severity::Error);
    found.into_iter().for_each(|finding| session.found(finding));
    session.step(step, format!("id {}", brief(&definition.connector_id)), since);
    if is_refused { Err(Halt::Found) } else { Ok(definition) }
}

async fn invoke(
    session: &mut Session<'_, '_>,
    version: &str,
    data: Option<&Value>,
    request: Request,
) -> Result<(), Halt> {
    let name = match request {
        Request::OfTheAuthor => "of tests/*.toml",
        Request::Ping => "ping",
        Request::UnknownAction => "unknown action",
        Request::NoData => "no data",
        Request::OtherVersion => "version 2",
    };
    let (step, since) = (format!("Invoke {name}"), Instant::now());
    let message = Invoke {
        v: version.to_owned(),
        data_json: data.map(Value::to_string).unwrap_or_default().into_bytes(),
        timeout_ms: i64::try_from(session.limit(INVOKE).as_millis()).unwrap_or(i64::MAX),
    };
    let answer =
        session.ask::<InvokeResponse>(&step, "Invoke", &message, (INVOKE, Some(Row::ConnectorTimesOut))).await?;
    let outcome = match &answer {
        Ok(answer) if answer.ok => "ok".to_owned(),
        Ok(answer) => format!("not ok: {}", brief(&answer.error)),
        Err(error) => format!("error: {}", brief(error)),
    };
    session.step(step, outcome, since);
    judge::invoked(request, &answer).into_iter().for_each(|finding| session.found(finding));
    Ok(())
}
