// Package wire is what travels between host and extension: the messages and services of aegis-bundle.md §19.2
// and §19.3.
//
// The messages are plain structs with the tags that google.golang.org/protobuf reads from code generated before
// its second version, so nothing is generated here. Fields that hold UTF-8 JSON are bytes; empty means absent.
package wire

import (
	"google.golang.org/protobuf/types/known/timestamppb"
)

// PluginService is the gRPC service of a plugin.
const PluginService = "squadaegis.pluginrpc.v1.Plugin"

// PluginDefinition answers GetDefinition of a plugin.
type PluginDefinition struct {
	PluginID               string        `protobuf:"bytes,1,opt,name=plugin_id,proto3"`
	AllowMultipleInstances bool          `protobuf:"varint,2,opt,name=allow_multiple_instances,proto3"`
	LongRunning            bool          `protobuf:"varint,3,opt,name=long_running,proto3"`
	RequiredConnectors     []string      `protobuf:"bytes,4,rep,name=required_connectors,proto3"`
	OptionalConnectors     []string      `protobuf:"bytes,5,rep,name=optional_connectors,proto3"`
	ConfigSchema           *ConfigSchema `protobuf:"bytes,6,opt,name=config_schema,proto3"`
	Events                 []string      `protobuf:"bytes,7,rep,name=events,proto3"`
}

// ConfigSchema is a list of typed fields.
type ConfigSchema struct {
	Fields []*ConfigField `protobuf:"bytes,1,rep,name=fields,proto3"`
}

// ConfigField is one field of a schema.
type ConfigField struct {
	Name        string         `protobuf:"bytes,1,opt,name=name,proto3"`
	Description string         `protobuf:"bytes,2,opt,name=description,proto3"`
	Required    bool           `protobuf:"varint,3,opt,name=required,proto3"`
	Type        string         `protobuf:"bytes,4,opt,name=type,proto3"`
	Default     []byte         `protobuf:"bytes,5,opt,name=default,proto3"`
	Sensitive   bool           `protobuf:"varint,6,opt,name=sensitive,proto3"`
	Options     []byte         `protobuf:"bytes,7,opt,name=options,proto3"`
	Nested      []*ConfigField `protobuf:"bytes,8,rep,name=nested,proto3"`
}

// PluginInitialize asks a plugin to take its configuration.
type PluginInitialize struct {
	Config          []byte `protobuf:"bytes,1,opt,name=config,proto3"`
	HostAPIBrokerID uint32 `protobuf:"varint,2,opt,name=host_api_broker_id,proto3"`
	InstanceID      string `protobuf:"bytes,3,opt,name=instance_id,proto3"`
	ServerID        string `protobuf:"bytes,4,opt,name=server_id,proto3"`
	LogLevel        string `protobuf:"bytes,5,opt,name=log_level,proto3"`
}

// PluginEvent is one event for HandleEvent.
type PluginEvent struct {
	ID        string                 `protobuf:"bytes,1,opt,name=id,proto3"`
	ServerID  string                 `protobuf:"bytes,2,opt,name=server_id,proto3"`
	Source    string                 `protobuf:"bytes,3,opt,name=source,proto3"`
	Type      string                 `protobuf:"bytes,4,opt,name=type,proto3"`
	Data      []byte                 `protobuf:"bytes,5,opt,name=data,proto3"`
	Raw       string                 `protobuf:"bytes,6,opt,name=raw,proto3"`
	Timestamp *timestamppb.Timestamp `protobuf:"bytes,7,opt,name=timestamp,proto3"`
}

// Status answers GetStatus.
type Status struct {
	Status string `protobuf:"bytes,1,opt,name=status,proto3"`
}

// Config carries a configuration, both ways.
type Config struct {
	Config []byte `protobuf:"bytes,1,opt,name=config,proto3"`
}

// CommandList answers GetCommands.
type CommandList struct {
	Commands []*PluginCommand `protobuf:"bytes,1,rep,name=commands,proto3"`
}

// PluginCommand is one command an operator may run.
type PluginCommand struct {
	ID                  string        `protobuf:"bytes,1,opt,name=id,proto3"`
	Name                string        `protobuf:"bytes,2,opt,name=name,proto3"`
	Description         string        `protobuf:"bytes,3,opt,name=description,proto3"`
	Category            string        `protobuf:"bytes,4,opt,name=category,proto3"`
	Parameters          *ConfigSchema `protobuf:"bytes,5,opt,name=parameters,proto3"`
	ExecutionType       string        `protobuf:"bytes,6,opt,name=execution_type,proto3"`
	RequiredPermissions []string      `protobuf:"bytes,7,rep,name=required_permissions,proto3"`
	ConfirmMessage      string        `protobuf:"bytes,8,opt,name=confirm_message,proto3"`
}

// ExecuteCommand asks a plugin to run one command.
type ExecuteCommand struct {
	CommandID string `protobuf:"bytes,1,opt,name=command_id,proto3"`
	Params    []byte `protobuf:"bytes,2,opt,name=params,proto3"`
}

// CommandResult is how a command ended, or the id under which it goes on.
type CommandResult struct {
	Success     bool   `protobuf:"varint,1,opt,name=success,proto3"`
	Message     string `protobuf:"bytes,2,opt,name=message,proto3"`
	Data        []byte `protobuf:"bytes,3,opt,name=data,proto3"`
	ExecutionID string `protobuf:"bytes,4,opt,name=execution_id,proto3"`
	Error       string `protobuf:"bytes,5,opt,name=error,proto3"`
}

// ExecutionID asks how far a command is.
type ExecutionID struct {
	ExecutionID string `protobuf:"bytes,1,opt,name=execution_id,proto3"`
}

// CommandExecutionStatus is how far a command is.
type CommandExecutionStatus struct {
	ExecutionID string                 `protobuf:"bytes,1,opt,name=execution_id,proto3"`
	CommandID   string                 `protobuf:"bytes,2,opt,name=command_id,proto3"`
	Status      string                 `protobuf:"bytes,3,opt,name=status,proto3"`
	Progress    int32                  `protobuf:"varint,4,opt,name=progress,proto3"`
	Message     string                 `protobuf:"bytes,5,opt,name=message,proto3"`
	Result      *CommandResult         `protobuf:"bytes,6,opt,name=result,proto3"`
	StartedAt   *timestamppb.Timestamp `protobuf:"bytes,7,opt,name=started_at,proto3"`
	CompletedAt *timestamppb.Timestamp `protobuf:"bytes,8,opt,name=completed_at,proto3"`
}
