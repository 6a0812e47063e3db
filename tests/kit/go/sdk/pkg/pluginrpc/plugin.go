// Package pluginrpc is what a plugin is written against: a stand-in of our own with the public names of
// aegis-bundle.md §13 and §19.3, for tests that cannot have the real SDK.
package pluginrpc

import (
	"context"
	"encoding/json"
	"time"

	"go.codycody31.dev/squad-aegis/internal/config"
)

// Types of the configuration schema.
type (
	FieldType    = config.FieldType
	ConfigField  = config.Field
	ConfigSchema = config.Schema
)

// The types of a field.
const (
	FieldTypeString      = config.FieldTypeString
	FieldTypeInt         = config.FieldTypeInt
	FieldTypeBool        = config.FieldTypeBool
	FieldTypeObject      = config.FieldTypeObject
	FieldTypeArray       = config.FieldTypeArray
	FieldTypeArrayString = config.FieldTypeArrayString
	FieldTypeArrayInt    = config.FieldTypeArrayInt
	FieldTypeArrayBool   = config.FieldTypeArrayBool
	FieldTypeArrayObject = config.FieldTypeArrayObject
)

// PluginStatus is where a plugin is in its life.
type PluginStatus string

// The statuses.
const (
	PluginStatusStopped  PluginStatus = "stopped"
	PluginStatusStarting PluginStatus = "starting"
	PluginStatusRunning  PluginStatus = "running"
	PluginStatusStopping PluginStatus = "stopping"
	PluginStatusError    PluginStatus = "error"
	PluginStatusDisabled PluginStatus = "disabled"
)

// EventSource is where an event comes from.
type EventSource string

// The sources.
const (
	EventSourceRCON      EventSource = "rcon"
	EventSourceLog       EventSource = "log"
	EventSourceSystem    EventSource = "system"
	EventSourceConnector EventSource = "connector"
	EventSourcePlugin    EventSource = "plugin"
)

// CommandExecutionType says whether a command answers at once or goes on.
type CommandExecutionType string

// The two ways a command runs.
const (
	CommandExecutionSync  CommandExecutionType = "sync"
	CommandExecutionAsync CommandExecutionType = "async"
)

// PluginDefinition is what a plugin says about itself.
type PluginDefinition struct {
	PluginID               string
	AllowMultipleInstances bool
	LongRunning            bool
	RequiredConnectors     []string
	OptionalConnectors     []string
	ConfigSchema           ConfigSchema
	Events                 []string
}

// PluginEvent is one event.
type PluginEvent struct {
	ID        string          `json:"id"`
	ServerID  string          `json:"server_id"`
	Source    EventSource     `json:"source"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data,omitempty"`
	Raw       string          `json:"raw,omitempty"`
	Timestamp time.Time       `json:"timestamp"`
}

// PluginCommand is one command an operator may run.
type PluginCommand struct {
	ID                  string               `json:"id"`
	Name                string               `json:"name"`
	Description         string               `json:"description,omitempty"`
	Category            string               `json:"category,omitempty"`
	Parameters          ConfigSchema         `json:"parameters,omitempty"`
	ExecutionType       CommandExecutionType `json:"execution_type"`
	RequiredPermissions []string             `json:"required_permissions,omitempty"`
	ConfirmMessage      string               `json:"confirm_message,omitempty"`
}

// CommandResult is how a command ended, or the id under which it goes on.
type CommandResult struct {
	Success     bool                   `json:"success"`
	Message     string                 `json:"message,omitempty"`
	Data        map[string]interface{} `json:"data,omitempty"`
	ExecutionID string                 `json:"execution_id,omitempty"`
	Error       string                 `json:"error,omitempty"`
}

// CommandExecutionStatus is how far a command is.
type CommandExecutionStatus struct {
	ExecutionID string         `json:"execution_id"`
	CommandID   string         `json:"command_id"`
	Status      string         `json:"status"`
	Progress    int            `json:"progress,omitempty"`
	Message     string         `json:"message,omitempty"`
	Result      *CommandResult `json:"result,omitempty"`
	StartedAt   time.Time      `json:"started_at"`
	CompletedAt *time.Time     `json:"completed_at,omitempty"`
}

// Plugin is what an author writes.
type Plugin interface {
	GetDefinition() PluginDefinition
	Initialize(config map[string]interface{}, apis *HostAPIs) error
	Start(ctx context.Context) error
	Stop() error
	HandleEvent(event *PluginEvent) error
	GetStatus() PluginStatus
	GetConfig() map[string]interface{}
	UpdateConfig(config map[string]interface{}) error
	GetCommands() []PluginCommand
	ExecuteCommand(commandID string, params map[string]interface{}) (*CommandResult, error)
	GetCommandExecutionStatus(executionID string) (*CommandExecutionStatus, error)
}
