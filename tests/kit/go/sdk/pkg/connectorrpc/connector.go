// Package connectorrpc is what a connector is written against: a stand-in of our own with the public names of
// aegis-bundle.md §13, for tests that cannot have the real SDK.
package connectorrpc

import (
	"context"

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

// ConnectorStatus is where a connector is in its life.
type ConnectorStatus string

// The statuses.
const (
	ConnectorStatusStopped  ConnectorStatus = "stopped"
	ConnectorStatusStarting ConnectorStatus = "starting"
	ConnectorStatusRunning  ConnectorStatus = "running"
	ConnectorStatusStopping ConnectorStatus = "stopping"
	ConnectorStatusError    ConnectorStatus = "error"
	ConnectorStatusDisabled ConnectorStatus = "disabled"
)

// ConnectorDefinition is what a connector says about itself.
type ConnectorDefinition struct {
	ConnectorID  string
	ConfigSchema ConfigSchema
}

// ConnectorInvokeRequest is a request; V is "1".
type ConnectorInvokeRequest struct {
	V    string                 `json:"v"`
	Data map[string]interface{} `json:"data"`
}

// ConnectorInvokeResponse is the answer; V is "1", and OK false goes with an Error.
type ConnectorInvokeResponse struct {
	V     string                 `json:"v"`
	OK    bool                   `json:"ok"`
	Data  map[string]interface{} `json:"data,omitempty"`
	Error string                 `json:"error,omitempty"`
}

// Connector is what an author writes.
type Connector interface {
	GetDefinition() ConnectorDefinition
	Initialize(config map[string]interface{}) error
	Start(ctx context.Context) error
	Stop() error
	GetStatus() ConnectorStatus
	GetConfig() map[string]interface{}
	UpdateConfig(config map[string]interface{}) error
	Invoke(ctx context.Context, req *ConnectorInvokeRequest) (*ConnectorInvokeResponse, error)
}
