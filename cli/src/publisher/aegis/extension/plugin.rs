//! The steps of a plugin. aegis-bundle.md §14.1, §19.2.

use std::time::Duration;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::definition::{Definition, is_delivered};
use aileron_verifier::aegis::troubleshooting::Row;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::TryOptions;
use super::finding::Finding;
use super::host_api::HostApi;
use super::messages::{
    Command, CommandResult, Commands, Config, ExecuteCommand, ExecutionId, ExecutionStatus, PluginDefinition,
    PluginEvent, PluginInitialize, Status, Timestamp,
};
use super::sample::brief;
use super::session::{BROKER_ID, Halt, Session};
use super::subject::Subject;
use super::{judge, sample};
use crate::event::counted;

/// A host's limits. aegis-bundle.md §14.1.
pub(super) const DEFINITION: Duration = Duration::from_secs(15);
pub(super) const INITIALIZE: Duration = Duration::from_secs(30);
pub(super) const START: Duration = Duration::from_secs(2);
pub(super) const STOP: Duration = Duration::from_secs(30);
pub(super) const CONFIGURE: Duration = Duration::from_secs(30);
const EVENT: Duration = Duration::from_secs(60);
const COMMAND: Duration = Duration::from_secs(300);
/// How often an asynchronous command is asked about, and how long in between.
const POLLS: (usize, Duration) = (20, Duration::from_millis(50));

/// Most events, and commands, that are tried.
const MOST: usize = 100;

/// What an instance is called here.
const INSTANCE: &str = "00000000-0000-4000-8000-000000000001";
const SERVER: &str = "00000000-0000-4000-8000-000000000002";

pub(super) async fn drive(
    session: &mut Session<'_, '_>,
    subject: &Subject,
    options: &TryOptions,
    host: &HostApi,
) -> Result<(), Halt> {
    let mut run = Run { session, subject, options, host, seen: 0 };
    let definition = run.definition().await?;
    let schema = definition.config_schema.as_ref();
    let configuration = sample::configured(schema, options.answers.config.as_ref());
    run.initialize(&configuration).await?;
    run.start(definition.long_running).await?;
    run.events(&definition).await?;
    let changed = sample::changed(&configuration, schema);
    configure(run.session, &configuration, &changed).await?;
    run.refusals("UpdateConfig");
    run.commands().await?;
    stop(run.session).await?;
    run.refusals("Stop");
    Ok(())
}

/// The bytes of a configuration.
pub(super) fn text(configuration: &Map<String, Value>) -> Vec<u8> {
    Value::Object(configuration.clone()).to_string().into_bytes()
}

struct Run<'r, 's, 'a> {
    session: &'r mut Session<'s, 'a>,
    subject: &'r Subject,
    options: &'r TryOptions,
    host: &'r HostApi,
    /// Calls of the host API that were judged already.
    seen: usize,
}

impl Run<'_, '_, '_> {
    async fn definition(&mut self) -> Result<PluginDefinition, Halt> {
        let (step, since) = ("GetDefinition", Instant::now());
        let asked = self.session.ask::<PluginDefinition>(step, step, &(), (DEFINITION, None)).await?;
        let definition = match asked {
            Ok(definition) => definition,
            Err(error) => return Err(failed(self.session, step, &error)),
        };
        let read = Definition::from(&definition);
        let found =
            judge::definition(Kind::Plugin, &read, &self.subject.id, &self.subject.target.required_capabilities);
        let is_refused = found.iter().any(|finding| finding.severity == aileron_verifier::problem::Severity::Error);
        found.into_iter().for_each(|finding| self.session.found(finding));
        self.session.step(
            step,
            format!("id {}, {}", brief(&definition.plugin_id), counted(definition.events.len(), "event")),
            since,
        );
        self.host.allow_connectors(read.connectors);
        if is_refused { Err(Halt::Found) } else { Ok(definition) }
    }

    async fn initialize(&mut self, configuration: &Map<String, Value>) -> Result<(), Halt> {
        let (step, since) = ("Initialize", Instant::now());
        let request = PluginInitialize {
            config_json: text(configuration),
            host_api_broker_id: BROKER_ID,
            instance_id: INSTANCE.to_owned(),
            server_id: SERVER.to_owned(),
            log_level: "info".to_owned(),
        };
        let asked = self.session.ask::<()>(step, step, &request, (INITIALIZE, Some(Row::StuckAtStarting))).await?;
        self.refusals(step);
        match asked {
            Ok(()) => self.session.step(step, "ok", since),
            Err(error) => return Err(failed(self.session, step, &error)),
        }
        Ok(())
    }

    async fn start(&mut self, is_long_running: bool) -> Result<(), Halt> {
        start(self.session, is_long_running).await?;
        self.refusals("Start");
        let (step, since) = ("GetStatus", Instant::now());
        let row = Some(Row::StuckAtStarting);
        let status = match self.session.ask::<Status>(step, step, &(), (CONFIGURE, row)).await? {
            Ok(Status { status }) => status,
            Err(error) => return Err(failed(self.session, step, &error)),
        };
        self.session.step(step, brief(&status), since);
        judge::status(&status).into_iter().for_each(|finding| self.session.found(finding));
        Ok(())
    }

    async fn events(&mut self, definition: &PluginDefinition) -> Result<(), Halt> {
        let capabilities = &self.subject.target.required_capabilities;
        let given: Vec<&(String, Value)> = self.options.answers.events.iter().chain(&self.options.events).collect();
        for (kind, _) in &given {
            if !definition.events.contains(kind) {
                let message = format!("{} is not sent: the plugin does not subscribe to it", brief(kind));
                let row = Row::NoEvents;
                self.session.found(Finding::warning("HandleEvent", Some(row), message, row.fix()));
            }
        }
        for kind in definition.events.iter().filter(|kind| is_delivered(kind, capabilities)).take(MOST) {
            let of_the_author: Vec<Value> =
                given.iter().filter(|(given, _)| given == kind).map(|(_, data)| data.clone()).collect();
            let is_a_sample = of_the_author.is_empty();
            let payloads = if is_a_sample { vec![sample::event(kind)] } else { of_the_author };
            for data in payloads {
                self.event(kind, &data, is_a_sample).await?;
            }
        }
        Ok(())
    }

    async fn event(&mut self, kind: &str, data: &Value, is_a_sample: bool) -> Result<(), Halt> {
        let (step, since) = (format!("HandleEvent {}", brief(kind)), Instant::now());
        let event = PluginEvent {
            id: INSTANCE.to_owned(),
            server_id: SERVER.to_owned(),
            source: sample::source(kind).to_owned(),
            kind: kind.to_owned(),
            data_json: data.to_string().into_bytes(),
            raw: String::new(),
            // Fixed: what is sent is the same each time.
            timestamp: Some(Timestamp { seconds: 1_767_225_600, nanos: 0 }),
        };
        let asked = self.session.ask::<()>(&step, "HandleEvent", &event, (EVENT, Some(Row::BlocksServer))).await?;
        let was_refused = self.refusals(&step);
        match asked {
            Ok(()) => self.session.step(step, "ok", since),
            Err(error) => {
                self.session.step(step.clone(), format!("error: {}", brief(&error)), since);
                // A call that was refused says more than the error it led to.
                if !was_refused {
                    let message = format!(
                        "HandleEvent failed for {}: {}",
                        if is_a_sample { "a sample" } else { "your event" },
                        brief(&error)
                    );
                    let help = "if the sample lacks what a real event has, send one with --event TYPE JSON or [[event]] in tests/*.toml";
                    self.session.found(Finding::warning(&step, None, message, help));
                }
            }
        }
        Ok(())
    }

    async fn commands(&mut self) -> Result<(), Halt> {
        let (step, since) = ("GetCommands", Instant::now());
        let list = match self.session.ask::<Commands>(step, step, &(), (CONFIGURE, None)).await? {
            Ok(Commands { commands }) => commands,
            Err(error) => return Err(failed(self.session, step, &error)),
        };
        self.session.step(step, counted(list.len(), "command"), since);
        for command in list.iter().take(MOST) {
            self.command(command).await?;
        }
        Ok(())
    }

    async fn command(&mut self, command: &Command) -> Result<(), Halt> {
        let (step, since) = (format!("ExecuteCommand {}", brief(&command.id)), Instant::now());
        let params = sample::configuration(command.parameters.as_ref());
        let request = ExecuteCommand { command_id: command.id.clone(), params_json: text(&params) };
        let asked = self.session.ask::<CommandResult>(&step, "ExecuteCommand", &request, (COMMAND, None)).await?;
        self.refusals(&step);
        let result = match asked {
            Ok(result) => result,
            Err(error) => {
                self.session.step(step.clone(), format!("error: {}", brief(&error)), since);
                let message = format!(
                    "the listed command {} was answered with a Go error: {}",
                    brief(&command.id),
                    brief(&error)
                );
                let help = "answer a command that fails with Success false and an Error";
                self.session.found(Finding::warning(&step, None, message, help));
                return Ok(());
            }
        };
        match command.execution_type.as_str() {
            "sync" => {
                let outcome = if result.success {
                    format!("ok {}", brief(&result.message))
                } else {
                    format!("no: {}", brief(&result.error))
                };
                self.session.step(step, outcome.trim(), since);
            }
            "async" => {
                if let Some(finding) = judge::begun(&command.id, &result) {
                    self.session.step(step, "no execution_id", since);
                    self.session.found(finding);
                    return Ok(());
                }
                let outcome = self.progress(&step, &result.execution_id).await?;
                self.session.step(step, outcome, since);
            }
            other => {
                let message = format!("the command {} has the execution type \"{}\"", brief(&command.id), brief(other));
                self.session.found(Finding::error(&step, None, message, "use sync or async"));
            }
        }
        Ok(())
    }

    /// Asks about an asynchronous command until it is done, or a second has passed: a long one is not waited for.
    async fn progress(&mut self, step: &str, id: &str) -> Result<String, Halt> {
        let mut last = String::new();
        for _ in 0..POLLS.0 {
            let request = ExecutionId { execution_id: id.to_owned() };
            let method = "GetCommandExecutionStatus";
            match self.session.ask::<ExecutionStatus>(step, method, &request, (CONFIGURE, None)).await? {
                Ok(status) => {
                    last = format!("{} {}%", brief(&status.status), status.progress);
                    if status.progress >= 100
                        || matches!(status.status.as_str(), "completed" | "failed" | "error" | "cancelled")
                    {
                        return Ok(last);
                    }
                }
                Err(error) => {
                    let message = format!("its execution is not known: {}", brief(&error));
                    let help = "answer GetCommandExecutionStatus for every ExecutionID that was given out";
                    self.session.found(Finding::error(step, None, message, help));
                    return Ok("lost".to_owned());
                }
            }
            tokio::time::sleep(POLLS.1).await;
        }
        Ok(format!("still {last}"))
    }

    /// Judges the calls of the host API since the last look. Whether any was refused.
    fn refusals(&mut self, step: &str) -> bool {
        let (calls, _) = self.host.calls();
        let found = judge::refused(step, &calls[self.seen.min(calls.len())..]);
        self.seen = calls.len();
        let any = !found.is_empty();
        for finding in found {
            // Said once, however often it happens.
            if !self.session.trial.findings.iter().any(|other| other.message == finding.message) {
                self.session.found(finding);
            }
        }
        any
    }
}

/// Start. A host counts it as successful after two seconds, even if it is still running.
pub(super) async fn start(session: &mut Session<'_, '_>, is_long_running: bool) -> Result<(), Halt> {
    let (step, since, limit) = ("Start", Instant::now(), session.limit(START));
    // The SDK answers for a Start that goes on, at the same limit: an answer this late is one.
    let answer = session.ask_within::<()>(step, step, &(), limit).await?;
    let is_late = answer.is_none() || since.elapsed() >= limit.mul_f32(0.9);
    match answer {
        Some(Err(error)) => return Err(failed(session, step, &error)),
        _ if is_late && !is_long_running => {
            session.step(step, format!("still running after {limit:?}"), since);
            let row = Row::StuckAtStarting;
            let message = format!("Start did not return within {limit:?}, and the definition does not say LongRunning");
            session.found(Finding::error(step, Some(row), message, row.fix()));
            return Err(Halt::Found);
        }
        _ => session.step(step, if is_late { "goes on (LongRunning)" } else { "ok" }, since),
    }
    Ok(())
}

/// UpdateConfig, then GetConfig.
pub(super) async fn configure(
    session: &mut Session<'_, '_>,
    before: &Map<String, Value>,
    changed: &Map<String, Value>,
) -> Result<(), Halt> {
    let (row, since) = (Some(Row::ConfigNotApplied), Instant::now());
    let request = Config { config_json: text(changed) };
    if let Err(error) = session.ask::<()>("UpdateConfig", "UpdateConfig", &request, (CONFIGURE, row)).await? {
        session.step("UpdateConfig", format!("error: {}", brief(&error)), since);
        let message = format!("UpdateConfig refused a configuration of the schema's own types: {}", brief(&error));
        let help = "if a value is wrong for a reason the schema cannot say, give one in [config] of tests/*.toml";
        session.found(Finding::warning("UpdateConfig", row, message, help));
        return Ok(());
    }
    session.step("UpdateConfig", "ok", since);
    let since = Instant::now();
    let asked = session.ask::<Config>("GetConfig", "GetConfig", &(), (CONFIGURE, row)).await?;
    match asked {
        Ok(Config { config_json }) => match judge::configuration(before, changed, &config_json) {
            None if before == changed => session.step("GetConfig", "ok, with nothing to change in its schema", since),
            None => session.step("GetConfig", "as it was set", since),
            Some(finding) => {
                session.step("GetConfig", "not as it was set", since);
                session.found(finding);
            }
        },
        Err(error) => return Err(failed(session, "GetConfig", &error)),
    }
    Ok(())
}

pub(super) async fn stop(session: &mut Session<'_, '_>) -> Result<(), Halt> {
    let (step, since) = ("Stop", Instant::now());
    match session.ask::<()>(step, step, &(), (STOP, None)).await? {
        Ok(()) => session.step(step, "ok", since),
        Err(error) => {
            session.step(step, format!("error: {}", brief(&error)), since);
            let message = format!("Stop failed: {}", brief(&error));
            session.found(Finding::warning(step, None, message, "let Stop clean up what it can, and return nil"));
        }
    }
    Ok(())
}

/// A step that must not fail did.
pub(super) fn failed(session: &mut Session<'_, '_>, step: &str, error: &str) -> Halt {
    let message = format!("{step} failed: {}", brief(error));
    let help = "return nil where the configuration of the schema's defaults is given, or say what else is needed in [config] of tests/*.toml";
    session.found(Finding::error(step, None, message, help));
    Halt::Found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_travels_as_json() {
        assert_eq!(text(json!({"a": [1]}).as_object().unwrap()), br#"{"a":[1]}"#);
    }
}
