// A good plugin: it answers a word in the chat with a private warning, and has one command of each kind.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.codycody31.dev/squad-aegis/pkg/pluginrpc"
)

const pluginID = "com.example.plugins.hello"

type chatMessage struct {
	SteamID string `json:"steam_id,omitempty"`
	EOSID   string `json:"eos_id,omitempty"`
	Message string `json:"message,omitempty"`
}

type helloPlugin struct {
	mu     sync.Mutex
	config map[string]interface{}
	apis   *pluginrpc.HostAPIs
	status pluginrpc.PluginStatus
	began  time.Time
}

func main() { pluginrpc.Serve(&helloPlugin{status: pluginrpc.PluginStatusStopped}) }

func (p *helloPlugin) GetDefinition() pluginrpc.PluginDefinition {
	return pluginrpc.PluginDefinition{
		PluginID: pluginID,
		ConfigSchema: pluginrpc.ConfigSchema{Fields: []pluginrpc.ConfigField{
			{Name: "trigger", Description: "What to answer.", Type: pluginrpc.FieldTypeString, Default: "!hello"},
			{Name: "response", Description: "The answer.", Type: pluginrpc.FieldTypeString, Default: "Hello from Squad Aegis."},
			{Name: "tone", Description: "How to say it.", Type: pluginrpc.FieldTypeString, Default: "plain", Options: []interface{}{"plain", "loud"}},
		}},
		Events: []string{"RCON_CHAT_MESSAGE"},
	}
}

func (p *helloPlugin) Initialize(config map[string]interface{}, apis *pluginrpc.HostAPIs) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config, p.apis, p.status = config, apis, pluginrpc.PluginStatusStopped
	return nil
}

func (p *helloPlugin) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = pluginrpc.PluginStatusRunning
	p.apis.LogAPI.Info("hello", map[string]interface{}{"trigger": p.config["trigger"]})
	return nil
}

func (p *helloPlugin) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = pluginrpc.PluginStatusStopped
	return nil
}

func (p *helloPlugin) HandleEvent(event *pluginrpc.PluginEvent) error {
	if event == nil || event.Type != "RCON_CHAT_MESSAGE" {
		return nil
	}
	var message chatMessage
	if err := json.Unmarshal(event.Data, &message); err != nil {
		return fmt.Errorf("decode chat event: %w", err)
	}
	p.mu.Lock()
	trigger, response, apis := fmt.Sprint(p.config["trigger"]), fmt.Sprint(p.config["response"]), p.apis
	p.mu.Unlock()
	if !strings.EqualFold(strings.TrimSpace(message.Message), trigger) {
		return nil
	}
	player := message.EOSID
	if player == "" {
		player = message.SteamID
	}
	return apis.RconAPI.SendWarningToPlayer(player, response)
}

func (p *helloPlugin) GetStatus() pluginrpc.PluginStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *helloPlugin) GetConfig() map[string]interface{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

func (p *helloPlugin) UpdateConfig(config map[string]interface{}) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = config
	return nil
}

func (p *helloPlugin) GetCommands() []pluginrpc.PluginCommand {
	return []pluginrpc.PluginCommand{
		{ID: "greet", Name: "Greet", ExecutionType: pluginrpc.CommandExecutionType("sync")},
		{ID: "count", Name: "Count", ExecutionType: pluginrpc.CommandExecutionType("async")},
	}
}

func (p *helloPlugin) ExecuteCommand(id string, _ map[string]interface{}) (*pluginrpc.CommandResult, error) {
	switch id {
	case "greet":
		return &pluginrpc.CommandResult{Success: true, Message: "hello"}, nil
	case "count":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.began = time.Now()
		return &pluginrpc.CommandResult{Success: true, ExecutionID: "count-1"}, nil
	}
	return nil, fmt.Errorf("unknown command %q", id)
}

func (p *helloPlugin) GetCommandExecutionStatus(id string) (*pluginrpc.CommandExecutionStatus, error) {
	if id != "count-1" {
		return nil, fmt.Errorf("unknown execution %q", id)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	return &pluginrpc.CommandExecutionStatus{
		ExecutionID: id, CommandID: "count", Status: "completed", Progress: 100, StartedAt: p.began, CompletedAt: &now,
		Result: &pluginrpc.CommandResult{Success: true, Message: "counted"},
	}, nil
}
