//! An action's steps in their order, and what a person is shown before the first. sandbox.md §10.1 to §10.4.
//!
//! Pure but for the call it is handed: the first failure ends the action, what ran before it is not undone, and what comes
//! after it does not run. Nothing is tried twice.

use aileron_sandbox::failure::Failure;
use aileron_verifier::artifact::action::{Action, Requirement};
use aileron_verifier::problem::Class;
use aileron_verifier::text::Json;

use super::arguments::Arguments;
use super::interpolate::{Outputs, at, interpolate, rendered};
use super::public::{of_runtime, public};

/// One op to invoke: the connector as the action pins it, the op, its arguments.
pub struct Call<'a> {
    /// Which connector, at which bytes, for which ops.
    pub connector: &'a Requirement,
    /// The op.
    pub op: &'a str,
    /// Its arguments.
    pub arguments: Arguments,
    /// Whether it only shows what would happen: a shorter deadline. §10.4.
    pub is_preview: bool,
}

/// Invokes an op; `null` where it gave no output.
pub type Invoke<'a> = dyn FnMut(&Call<'_>) -> Result<Json, Failure> + 'a;

/// The step an action stopped at, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    /// Its id.
    pub step: String,
    /// In the public taxonomy.
    pub failure: Failure,
}

/// What a whole action gave. §10.3.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// Its name.
    pub action: Json,
    /// The last step's output.
    pub output: Json,
    /// Each step's output by its id.
    pub steps: Json,
}

impl Executed {
    /// Its parts under their names, in the order of the document.
    pub fn fields(&self) -> [(&'static str, &Json); 3] {
        [("action", &self.action), ("output", &self.output), ("steps", &self.steps)]
    }
}

/// Runs every step.
///
/// # Errors
/// [`Stopped`].
pub fn execute(action: &Action, arguments: &Arguments, invoke: &mut Invoke<'_>) -> Result<Executed, Stopped> {
    let mut outputs = Outputs::new();
    let mut last = Json::null();
    for step in &action.steps {
        let stopped = |failure| Stopped { step: step.id.value.clone(), failure };
        let op = step.op.value.as_str();
        let connector = permitted(action, &step.connector.value, op).map_err(stopped)?;
        let filled = interpolate(&step.inputs, arguments, &outputs);
        let mut filled = filled.map_err(|unfilled| stopped(of_runtime(unfilled.to_string())))?;
        filled.extend(arguments.clone());
        let call = Call { connector, op, arguments: filled, is_preview: false };
        last = invoke(&call).map_err(|failure| stopped(public(failure)))?;
        outputs.insert(step.id.value.clone(), last.clone());
    }
    let in_order = action.steps.iter().filter_map(|step| outputs.get_key_value(&step.id.value));
    let steps = Json::object(in_order.map(|(id, output)| (id.as_str(), output)));
    Ok(Executed { action: action.name.value.as_str().into(), output: last, steps })
}

/// The action boundary: a step calls what the action says it uses. §10.1.
fn permitted<'a>(action: &'a Action, connector: &str, op: &str) -> Result<&'a Requirement, Failure> {
    let named = |requirement: &&Requirement| requirement.name.value.to_string() == connector;
    let requirement = action.requires.iter().find(named);
    let requirement = requirement.ok_or_else(|| of_runtime(format!("the action does not require {connector}")))?;
    let listed: Vec<&str> = requirement.capabilities.iter().map(|capability| capability.value.as_str()).collect();
    if listed.contains(&op) {
        return Ok(requirement);
    }
    let failure = Failure::new(Class::CapabilityDenied, format!("op \"{op}\" is not in the action's capabilities"))
        .with("requested", format!("op:{op}"))
        .with("action_subset", listed)
        .with("connector", connector)
        .with("boundary_detail", "action");
    Err(Failure { boundary: "action", ..failure })
}

/// What a person is shown: label and text, or why there is nothing to show. Never a reason not to ask.
pub type Preview = Result<Vec<(String, String)>, String>;

/// Runs the preview, if the action has one. §10.4.
pub fn preview(action: &Action, arguments: &Arguments, invoke: &mut Invoke<'_>) -> Option<Preview> {
    let preview = action.approval.as_ref()?.preview.as_ref()?;
    let connector = &action.steps.first()?.connector.value;
    let unavailable = |why: String| format!("preview unavailable: {why}");
    let result = interpolate(&preview.args, arguments, &Outputs::new())
        .map_err(|unfilled| unfilled.to_string())
        .and_then(|arguments| {
            let requirement = action.requires.iter().find(|required| required.name.value.to_string() == *connector);
            let connector = requirement.ok_or_else(|| format!("the action does not require {connector}"))?;
            invoke(&Call { connector, op: &preview.op.value, arguments, is_preview: true }).map_err(|failure| {
                let is_timeout = failure.details.get("limit").is_some_and(|limit| limit == "wall_time");
                if is_timeout { "timeout".to_owned() } else { failure.message }
            })
        });
    let output = match result {
        Ok(output) => output,
        Err(why) => return Some(Err(unavailable(why))),
    };
    let line = |label: &str, path: &str| {
        let is_multiline = preview.multiline.iter().any(|multiline| multiline.value == label);
        let text = at(&output, path)
            .filter(|found| !found.is_null())
            .map_or_else(|| "n/a".to_owned(), |found| rendered(&found));
        (label.to_owned(), if is_multiline { text } else { text.split_whitespace().collect::<Vec<_>>().join(" ") })
    };
    Some(Ok(preview.render.iter().map(|(label, path)| line(&label.value, &path.value)).collect()))
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Source;
    use aileron_verifier::text::toml::Stage;
    use serde_json::json;

    use super::*;

    const HEAD: &str = "+++\nname = \"post\"\nversion = \"1.0.0\"\nsource = \"github://acme/x/actions/post@1.0.0\"\n\
        [match]\nintent = \"post\"\n[[inputs]]\nname = \"text\"\ntype = \"string\"\ndescription = \"d\"\n\
        [[requires.connectors]]\nname = \"github://acme/x\"\nversion = \"1.0.0\"\n\
        hash = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"\n\
        capabilities = [\"find\", \"send\"]\n";
    const TWO: &str = "[[execute]]\nid = \"find\"\nconnector = \"github://acme/x\"\nop = \"find\"\n\
        inputs = { q = \"to ${args.text}\" }\n[[execute]]\nid = \"send\"\nconnector = \"github://acme/x\"\nop = \"send\"\n\
        inputs = { id = \"${find.items[0].id}\", text = \"overlaid\" }\n";

    fn action(text: &str) -> Action {
        let text = format!("{HEAD}{text}+++\n# Post\n");
        let parsed = Action::parse(Source::new("action.md", text), Stage::Artifact);
        parsed.document.unwrap_or_else(|| panic!("{:?}", parsed.problems))
    }

    fn arguments() -> Arguments {
        Arguments::from([("text".to_owned(), "hello".into())])
    }

    #[test] // sandbox.md §10.1 to §10.3, §13 E1
    fn steps_run_in_order_and_see_what_came_before() {
        let mut calls = Vec::new();
        let result = execute(&action(TWO), &arguments(), &mut |call| {
            calls.push((call.op.to_owned(), serde_json::to_string(&call.arguments).expect("JSON")));
            Ok(Json::from(&if call.op == "find" { json!({"items": [{"id": 7}]}) } else { json!({"sent": true}) }))
        });
        let result = Json::object(result.expect("all steps run").fields());
        let expected =
            r#"{"action":"post","output":{"sent":true},"steps":{"find":{"items":[{"id":7}]},"send":{"sent":true}}}"#;
        assert_eq!(result.text(), expected);
        // Every step gets every call-time argument, and it wins.
        let (find, send) = (r#"{"q":"to hello","text":"hello"}"#, r#"{"id":7,"text":"hello"}"#);
        assert_eq!(calls, [("find".into(), find.to_owned()), ("send".into(), send.to_owned())]);
    }

    #[test] // sandbox.md §13 E2, E3
    fn the_first_failure_ends_the_action() {
        let mut count = 0;
        let stopped = execute(&action(TWO), &arguments(), &mut |_| {
            count += 1;
            Err(Failure::new(Class::ConnectorLoadFailed, "no such import"))
        });
        let stopped = stopped.unwrap_err();
        assert_eq!((stopped.step.as_str(), stopped.failure.class, count), ("find", Class::ConnectorRuntimeError, 1));
        assert_eq!(stopped.failure.details["connector_class"], "connector_load_failed");

        let missing = execute(&action(TWO), &arguments(), &mut |_| Ok(Json::from(&json!({"items": []})))).unwrap_err();
        assert_eq!((missing.step.as_str(), missing.failure.boundary), ("send", "runtime"));
        assert_eq!(missing.failure.message, "the result of step \"find\" has no `items[0].id`");

        let other = TWO.replace("op = \"find\"", "op = \"erase\"");
        let denied = execute(&action(&other), &arguments(), &mut |_| panic!("invoked")).unwrap_err();
        assert_eq!((denied.failure.class, denied.failure.boundary), (Class::CapabilityDenied, "action"));
        assert_eq!(denied.failure.details["action_subset"], json!(["find", "send"]));
    }

    #[test] // sandbox.md §10.4
    fn a_preview_shows_what_it_can_and_never_fails() {
        let preview_text = "[approval]\nrequired = true\n[approval.preview]\nop = \"find\"\nargs = { q = \"${args.text}\" }\n\
            multiline = [\"Body\"]\n[approval.preview.render]\nTo = \"items[0].to\"\nBody = \"body\"\nCount = \"n\"\nGone = \"x.y\"\n";
        let action = action(&format!("{TWO}{preview_text}"));
        let shown = preview(&action, &arguments(), &mut |call| {
            assert_eq!((call.op, call.is_preview, &call.arguments["q"]), ("find", true, &Json::from("hello")));
            Ok(Json::from(&json!({"items": [{"to": "a\n b"}], "body": "1\n2", "n": 3})))
        });
        let line = |label: &str, text: &str| (label.to_owned(), text.to_owned());
        let lines = vec![line("To", "a b"), line("Body", "1\n2"), line("Count", "3"), line("Gone", "n/a")];
        assert_eq!(shown, Some(Ok(lines)));
        for (failure, text) in [
            (
                Failure::new(Class::ResourceLimitExceeded, "x").with("limit", "wall_time"),
                "preview unavailable: timeout",
            ),
            (Failure::new(Class::ConnectorLoadFailed, "broken"), "preview unavailable: broken"),
        ] {
            let shown = preview(&action, &arguments(), &mut |_| Err(failure.clone()));
            assert_eq!(shown, Some(Err(text.to_owned())));
        }
    }
}
