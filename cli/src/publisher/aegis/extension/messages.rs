//! The messages between host and extension, written by hand after aegis-bundle.md §19.2. Fields named `…_json` hold UTF-8 JSON;
//! empty means absent.

use aileron_verifier::aegis::definition::{Definition, Field};

/// Most bytes of one message, both ways: more than a host's own limits, so that what is over them can be told.
pub const LONGEST: usize = 4 << 20;

/// Answer of a plugin's GetDefinition.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginDefinition {
    /// The id.
    #[prost(string, tag = "1")]
    pub plugin_id: String,
    /// Whether a server may have several.
    #[prost(bool, tag = "2")]
    pub allow_multiple_instances: bool,
    /// Whether Start goes on.
    #[prost(bool, tag = "3")]
    pub long_running: bool,
    /// Connectors without which it does not start.
    #[prost(string, repeated, tag = "4")]
    pub required_connectors: Vec<String>,
    /// Connectors it can do without.
    #[prost(string, repeated, tag = "5")]
    pub optional_connectors: Vec<String>,
    /// Its configuration.
    #[prost(message, optional, tag = "6")]
    pub config_schema: Option<ConfigSchema>,
    /// Event types it subscribes to.
    #[prost(string, repeated, tag = "7")]
    pub events: Vec<String>,
}

/// Answer of a connector's GetDefinition.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConnectorDefinition {
    /// The id.
    #[prost(string, tag = "1")]
    pub connector_id: String,
    /// Its configuration.
    #[prost(message, optional, tag = "2")]
    pub config_schema: Option<ConfigSchema>,
}

/// Fields of a configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConfigSchema {
    /// In their order.
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<ConfigField>,
}

/// One field.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConfigField {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it is for.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Whether it must be set.
    #[prost(bool, tag = "3")]
    pub required: bool,
    /// Its type.
    #[prost(string, tag = "4")]
    pub kind: String,
    /// What it is where nothing else is said.
    #[prost(bytes = "vec", tag = "5")]
    pub default_json: Vec<u8>,
    /// Whether it is shown masked.
    #[prost(bool, tag = "6")]
    pub sensitive: bool,
    /// The values it may have, as a list.
    #[prost(bytes = "vec", tag = "7")]
    pub options_json: Vec<u8>,
    /// Fields below it.
    #[prost(message, repeated, tag = "8")]
    pub nested: Vec<ConfigField>,
}

/// Request of Initialize, for both kinds: a connector has no broker and no server, and its `instance_id` is field 2.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginInitialize {
    /// The configuration.
    #[prost(bytes = "vec", tag = "1")]
    pub config_json: Vec<u8>,
    /// Under which number the host API is announced.
    #[prost(uint32, tag = "2")]
    pub host_api_broker_id: u32,
    /// Which instance of the plugin.
    #[prost(string, tag = "3")]
    pub instance_id: String,
    /// Which game server.
    #[prost(string, tag = "4")]
    pub server_id: String,
    /// How much to log.
    #[prost(string, tag = "5")]
    pub log_level: String,
}

/// Request of a connector's Initialize.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConnectorInitialize {
    /// The configuration.
    #[prost(bytes = "vec", tag = "1")]
    pub config_json: Vec<u8>,
    /// Which instance of the connector.
    #[prost(string, tag = "2")]
    pub instance_id: String,
}

/// Request of HandleEvent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginEvent {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Which game server.
    #[prost(string, tag = "2")]
    pub server_id: String,
    /// `rcon`, `log`, `system`, `connector` or `plugin`.
    #[prost(string, tag = "3")]
    pub source: String,
    /// The type.
    #[prost(string, tag = "4")]
    pub kind: String,
    /// What happened.
    #[prost(bytes = "vec", tag = "5")]
    pub data_json: Vec<u8>,
    /// The line it was read from.
    #[prost(string, tag = "6")]
    pub raw: String,
    /// When.
    #[prost(message, optional, tag = "7")]
    pub timestamp: Option<Timestamp>,
}

/// google.protobuf.Timestamp.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Answer of GetStatus.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Status {
    /// The status.
    #[prost(string, tag = "1")]
    pub status: String,
}

/// Request of UpdateConfig, answer of GetConfig.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Config {
    /// The configuration.
    #[prost(bytes = "vec", tag = "1")]
    pub config_json: Vec<u8>,
}

/// Answer of GetCommands.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Commands {
    /// In their order.
    #[prost(message, repeated, tag = "1")]
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Command {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What its parameters are.
    #[prost(message, optional, tag = "5")]
    pub parameters: Option<ConfigSchema>,
    /// `sync` or `async`.
    #[prost(string, tag = "6")]
    pub execution_type: String,
}

/// Request of ExecuteCommand.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecuteCommand {
    /// Which one.
    #[prost(string, tag = "1")]
    pub command_id: String,
    /// Its parameters.
    #[prost(bytes = "vec", tag = "2")]
    pub params_json: Vec<u8>,
}

/// Answer of ExecuteCommand.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommandResult {
    /// Whether it worked.
    #[prost(bool, tag = "1")]
    pub success: bool,
    /// A word for the operator.
    #[prost(string, tag = "2")]
    pub message: String,
    /// The result.
    #[prost(bytes = "vec", tag = "3")]
    pub data_json: Vec<u8>,
    /// Under which it goes on, when it does.
    #[prost(string, tag = "4")]
    pub execution_id: String,
    /// What went wrong.
    #[prost(string, tag = "5")]
    pub error: String,
}

/// Request of GetCommandExecutionStatus.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutionId {
    /// As ExecuteCommand gave it.
    #[prost(string, tag = "1")]
    pub execution_id: String,
}

/// Answer of GetCommandExecutionStatus.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutionStatus {
    /// As it was asked for.
    #[prost(string, tag = "1")]
    pub execution_id: String,
    /// The command.
    #[prost(string, tag = "2")]
    pub command_id: String,
    /// How far it is.
    #[prost(string, tag = "3")]
    pub status: String,
    /// In per cent.
    #[prost(int32, tag = "4")]
    pub progress: i32,
    /// A word for the operator.
    #[prost(string, tag = "5")]
    pub message: String,
}

/// Request of Invoke.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Invoke {
    /// Version of the envelope.
    #[prost(string, tag = "1")]
    pub v: String,
    /// What is asked.
    #[prost(bytes = "vec", tag = "2")]
    pub data_json: Vec<u8>,
    /// How long the caller waits.
    #[prost(int64, tag = "3")]
    pub timeout_ms: i64,
}

/// Answer of Invoke, and of the host's ConnectorCall.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InvokeResponse {
    /// Version of the envelope.
    #[prost(string, tag = "1")]
    pub v: String,
    /// Whether it worked.
    #[prost(bool, tag = "2")]
    pub ok: bool,
    /// The result.
    #[prost(bytes = "vec", tag = "3")]
    pub data_json: Vec<u8>,
    /// What went wrong.
    #[prost(string, tag = "4")]
    pub error: String,
}

/// What the broker is told: where the host API listens.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConnInfo {
    /// The number that Initialize names.
    #[prost(uint32, tag = "1")]
    pub service_id: u32,
    /// `unix`.
    #[prost(string, tag = "2")]
    pub network: String,
    /// The socket.
    #[prost(string, tag = "3")]
    pub address: String,
}

/// A piece of the extension's output after its handshake.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StdioData {
    /// 1 for standard output, 2 for standard error.
    #[prost(int32, tag = "1")]
    pub channel: i32,
    /// What was written.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

/// A definition of either kind, as the rules read it.
impl From<&PluginDefinition> for Definition {
    fn from(from: &PluginDefinition) -> Definition {
        Definition {
            id: from.plugin_id.clone(),
            events: from.events.clone(),
            connectors: [&from.required_connectors[..], &from.optional_connectors[..]].concat(),
            fields: fields(from.config_schema.as_ref()),
        }
    }
}

impl From<&ConnectorDefinition> for Definition {
    fn from(from: &ConnectorDefinition) -> Definition {
        let fields = fields(from.config_schema.as_ref());
        Definition { id: from.connector_id.clone(), fields, ..Definition::default() }
    }
}

fn fields(schema: Option<&ConfigSchema>) -> Vec<Field> {
    // As deep as the decoder lets messages be, which is a hundred levels.
    fn each(from: &[ConfigField]) -> Vec<Field> {
        let field = |field: &ConfigField| Field {
            name: field.name.clone(),
            kind: field.kind.clone(),
            nested: each(&field.nested),
        };
        from.iter().map(field).collect()
    }
    each(schema.map_or(&[], |schema| &schema.fields))
}
