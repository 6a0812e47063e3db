package pluginrpc

import (
	"context"
	"time"
)

// HostAPIs are the host's services. Each is there; one that the manifest does not declare refuses every call.
type HostAPIs struct {
	LogAPI       LogAPI
	RconAPI      RconAPI
	ServerAPI    ServerAPI
	DatabaseAPI  DatabaseAPI
	RuleAPI      RuleAPI
	AdminAPI     AdminAPI
	EventAPI     EventAPI
	DiscordAPI   DiscordAPI
	ConnectorAPI ConnectorAPI
}

// LogAPI writes to the host's log.
type LogAPI interface {
	Info(message string, fields map[string]interface{})
	Warn(message string, fields map[string]interface{})
	Error(message string, err error, fields map[string]interface{})
	Debug(message string, fields map[string]interface{})
}

// RconAPI commands the game server.
type RconAPI interface {
	SendCommand(command string) (string, error)
	Broadcast(message string) error
	SendWarningToPlayer(playerID, message string) error
	KickPlayer(playerID, reason string) error
	BanPlayer(playerID, reason string, duration time.Duration) error
	BanWithEvidence(playerID, reason string, duration time.Duration, eventID, eventType string) (string, error)
	WarnPlayerWithRule(playerID, message string, ruleID *string) error
	KickPlayerWithRule(playerID, reason string, ruleID *string) error
	BanPlayerWithRule(playerID, reason string, duration time.Duration, ruleID *string) error
	BanWithEvidenceAndRule(playerID, reason string, duration time.Duration, eventID, eventType string, ruleID *string) (string, error)
	BanWithEvidenceAndRuleAndMetadata(playerID, reason string, duration time.Duration, eventID, eventType string, ruleID *string, metadata map[string]interface{}) (string, error)
	RemovePlayerFromSquad(playerID string) error
	RemovePlayerFromSquadById(playerID string) error
}

// ServerAPI asks about the server and its players.
type ServerAPI interface {
	GetServerID() (string, error)
	GetServerInfo() (map[string]interface{}, error)
	GetPlayers() ([]map[string]interface{}, error)
	GetAdmins() ([]map[string]interface{}, error)
	GetSquads() ([]map[string]interface{}, error)
}

// DatabaseAPI keeps strings by key, for one instance of a plugin.
type DatabaseAPI interface {
	GetPluginData(key string) (string, error)
	SetPluginData(key, value string) error
	DeletePluginData(key string) error
}

// RuleAPI reads the server's rules.
type RuleAPI interface {
	ListServerRules(parentRuleID *string) ([]map[string]interface{}, error)
	ListServerRuleActions(ruleID string) ([]map[string]interface{}, error)
}

// AdminAPI gives and takes temporary admin rights.
type AdminAPI interface {
	AddTemporaryAdmin(playerID, roleName, notes string, expiresAt *time.Time) error
	RemoveTemporaryAdmin(playerID, notes string) error
	RemoveTemporaryAdminRole(playerID, roleName, notes string) error
	GetPlayerAdminStatus(playerID string) (map[string]interface{}, error)
	ListTemporaryAdmins() ([]map[string]interface{}, error)
}

// EventAPI publishes events.
type EventAPI interface {
	PublishEvent(eventType string, data map[string]interface{}, raw string) error
}

// DiscordAPI sends messages to Discord.
type DiscordAPI interface {
	SendMessage(channelID, content string) (string, error)
	SendEmbed(channelID string, embed map[string]interface{}) (string, error)
}

// ConnectorAPI calls a connector.
type ConnectorAPI interface {
	Call(ctx context.Context, connectorID string, req *ConnectorInvokeRequest) (*ConnectorInvokeResponse, error)
}

// ConnectorInvokeRequest is a request to a connector; V is "1".
type ConnectorInvokeRequest struct {
	V    string                 `json:"v"`
	Data map[string]interface{} `json:"data"`
}

// ConnectorInvokeResponse is a connector's answer.
type ConnectorInvokeResponse struct {
	V     string                 `json:"v"`
	OK    bool                   `json:"ok"`
	Data  map[string]interface{} `json:"data,omitempty"`
	Error string                 `json:"error,omitempty"`
}
