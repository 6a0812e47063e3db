// Every way an extension goes wrong, in one binary. Tests write the way into the binary's own bytes, over the text
// of `way`, so that it is built once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.codycody31.dev/squad-aegis/pkg/connectorrpc"
	"go.codycody31.dev/squad-aegis/pkg/pluginrpc"
)

// Sixty-four bytes: `aileron-way:`, the way, dots.
var way = "aileron-way:plugin.good........................................."

func chosen() string { return strings.TrimRight(strings.TrimPrefix(way, "aileron-way:"), ".") }

func main() {
	kind, way, _ := strings.Cut(chosen(), ".")
	if way == "prints-first" {
		fmt.Println("hello from the \x1b[31mplugin")
	}
	if way == "exits-first" {
		fmt.Fprintln(os.Stderr, "no database today")
		os.Exit(3)
	}
	if way == "says-nothing" {
		forever()
	}
	if kind == "connector" {
		connectorrpc.Serve(&connector{way: way})
	} else {
		pluginrpc.Serve(&plugin{way: way, status: pluginrpc.PluginStatusStopped})
	}
	if way == "ignores-stop" {
		forever()
	}
}

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

type plugin struct {
	way    string
	mu     sync.Mutex
	config map[string]interface{}
	apis   *pluginrpc.HostAPIs
	status pluginrpc.PluginStatus
}

func (p *plugin) blocksIn(way string) {
	if p.way == way {
		forever()
	}
}

func (p *plugin) GetDefinition() pluginrpc.PluginDefinition {
	definition := pluginrpc.PluginDefinition{PluginID: "com.example.plugins.bad", Events: []string{"RCON_CHAT_MESSAGE"}}
	definition.ConfigSchema.Fields = []pluginrpc.ConfigField{{Name: "tone", Type: pluginrpc.FieldTypeString, Default: "plain"}}
	switch p.way {
	case "wrong-id":
		definition.PluginID = "com.example.plugins.other\x1b[2J"
	case "wildcard-event":
		definition.Events = []string{"*"}
	case "undeclared-event":
		definition.Events = []string{"LOG_TICK_RATE"}
	case "deep-schema":
		definition.ConfigSchema.Fields = []pluginrpc.ConfigField{deep(11)}
	case "unknown-field-type":
		definition.ConfigSchema.Fields = []pluginrpc.ConfigField{{Name: "when", Type: "date"}}
	case "panics-early":
		panic("no definition today")
	}
	return definition
}

func deep(levels int) pluginrpc.ConfigField {
	field := pluginrpc.ConfigField{Name: fmt.Sprint("level", levels), Type: pluginrpc.FieldTypeObject}
	if levels > 1 {
		field.Nested = []pluginrpc.ConfigField{deep(levels - 1)}
	}
	return field
}

func (p *plugin) Initialize(config map[string]interface{}, apis *pluginrpc.HostAPIs) error {
	p.blocksIn("blocks-initialize")
	if p.way == "fails-initialize" {
		return errors.New("token \x1b[31mis missing")
	}
	if p.way == "starts-child" {
		if err := exec.Command("sleep", "1000").Start(); err != nil {
			return err
		}
	}
	if p.way == "ignores-stop" {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	p.config, p.apis = config, apis
	return nil
}

func (p *plugin) Start(context.Context) error {
	p.set(pluginrpc.PluginStatusStarting)
	p.blocksIn("blocks-start")
	if p.way == "stays-starting" {
		return nil
	}
	p.set(pluginrpc.PluginStatusRunning)
	return nil
}

func (p *plugin) set(status pluginrpc.PluginStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *plugin) Stop() error {
	p.blocksIn("ignores-stop")
	p.set(pluginrpc.PluginStatusStopped)
	return nil
}

func (p *plugin) HandleEvent(*pluginrpc.PluginEvent) error {
	p.blocksIn("blocks-event")
	switch p.way {
	case "panics":
		var none map[string]string
		none["a"] = "b"
	case "prints-later":
		fmt.Printf("%q \x1b[31m\n", os.Environ())
	case "undeclared-api":
		_, err := p.apis.DatabaseAPI.GetPluginData("seen")
		return err
	case "undeclared-connector":
		_, err := p.apis.ConnectorAPI.Call(context.Background(), "com.example.connectors.hello", &pluginrpc.ConnectorInvokeRequest{
			V: "1", Data: map[string]interface{}{"action": "ping"},
		})
		return err
	}
	return nil
}

func (p *plugin) GetStatus() pluginrpc.PluginStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *plugin) GetConfig() map[string]interface{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

func (p *plugin) UpdateConfig(config map[string]interface{}) error {
	p.blocksIn("blocks-update-config")
	if p.way == "keeps-config" {
		return nil
	}
	p.mu.Lock()
	p.config = config
	if p.way != "deadlocks" {
		p.mu.Unlock()
	}
	return nil
}

func (p *plugin) GetCommands() []pluginrpc.PluginCommand {
	if p.way == "lost-command" {
		return []pluginrpc.PluginCommand{{ID: "lost", Name: "Lost", ExecutionType: "async"}}
	}
	return nil
}

func (p *plugin) ExecuteCommand(string, map[string]interface{}) (*pluginrpc.CommandResult, error) {
	return &pluginrpc.CommandResult{Success: true}, nil
}

func (p *plugin) GetCommandExecutionStatus(string) (*pluginrpc.CommandExecutionStatus, error) {
	return nil, errors.New("no commands")
}

type connector struct {
	way    string
	mu     sync.Mutex
	config map[string]interface{}
	status connectorrpc.ConnectorStatus
}

func (c *connector) GetDefinition() connectorrpc.ConnectorDefinition {
	id := "com.example.connectors.bad"
	if c.way == "wrong-id" {
		id = "com.example.connectors.other"
	}
	return connectorrpc.ConnectorDefinition{ConnectorID: id}
}

func (c *connector) Initialize(config map[string]interface{}) error { return c.UpdateConfig(config) }

func (c *connector) Start(context.Context) error {
	c.set(connectorrpc.ConnectorStatusRunning)
	return nil
}

func (c *connector) Stop() error {
	c.set(connectorrpc.ConnectorStatusStopped)
	return nil
}

func (c *connector) set(status connectorrpc.ConnectorStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *connector) GetStatus() connectorrpc.ConnectorStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *connector) GetConfig() map[string]interface{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config
}

func (c *connector) UpdateConfig(config map[string]interface{}) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = config
	return nil
}

func (c *connector) Invoke(_ context.Context, req *connectorrpc.ConnectorInvokeRequest) (*connectorrpc.ConnectorInvokeResponse, error) {
	answer := &connectorrpc.ConnectorInvokeResponse{V: "1"}
	switch {
	case c.way == "blocks-invoke":
		forever()
	case req.V == "1" && req.Data["action"] == "ping":
		answer.OK = true
	case c.way == "go-error":
		return nil, fmt.Errorf("unknown action: %v", req.Data["action"])
	case c.way == "says-yes":
		answer.OK = true
	default:
		answer.Error = "unknown action or version"
	}
	if c.way == "v-missing" {
		answer.V = ""
	}
	return answer, nil
}
