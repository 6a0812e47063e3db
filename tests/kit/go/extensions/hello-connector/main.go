// A good connector: it answers `ping`, and says what it does not know.
package main

import (
	"context"
	"fmt"
	"sync"

	"go.codycody31.dev/squad-aegis/pkg/connectorrpc"
)

const connectorID = "com.example.connectors.hello"

type helloConnector struct {
	mu     sync.RWMutex
	config map[string]interface{}
	status connectorrpc.ConnectorStatus
}

func main() { connectorrpc.Serve(&helloConnector{status: connectorrpc.ConnectorStatusStopped}) }

func (c *helloConnector) GetDefinition() connectorrpc.ConnectorDefinition {
	return connectorrpc.ConnectorDefinition{
		ConnectorID:  connectorID,
		ConfigSchema: connectorrpc.ConfigSchema{Fields: []connectorrpc.ConfigField{}},
	}
}

func (c *helloConnector) Initialize(config map[string]interface{}) error {
	c.set(connectorrpc.ConnectorStatusStopped)
	return c.UpdateConfig(config)
}

func (c *helloConnector) Start(ctx context.Context) error {
	c.set(connectorrpc.ConnectorStatusRunning)
	go func() {
		<-ctx.Done()
		_ = c.Stop()
	}()
	return nil
}

func (c *helloConnector) Stop() error {
	c.set(connectorrpc.ConnectorStatusStopped)
	return nil
}

func (c *helloConnector) set(status connectorrpc.ConnectorStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *helloConnector) GetStatus() connectorrpc.ConnectorStatus {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.status
}

func (c *helloConnector) GetConfig() map[string]interface{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.config
}

func (c *helloConnector) UpdateConfig(config map[string]interface{}) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = config
	return nil
}

func (c *helloConnector) Invoke(_ context.Context, req *connectorrpc.ConnectorInvokeRequest) (*connectorrpc.ConnectorInvokeResponse, error) {
	answer := &connectorrpc.ConnectorInvokeResponse{V: "1"}
	switch {
	case req == nil || req.V != "1":
		answer.Error = "this connector speaks version 1"
	case req.Data == nil:
		answer.Error = "missing request data"
	case req.Data["action"] == "ping":
		answer.OK, answer.Data = true, map[string]interface{}{"message": "pong"}
	default:
		answer.Error = fmt.Sprintf("unknown action: %v", req.Data["action"])
	}
	return answer, nil
}
