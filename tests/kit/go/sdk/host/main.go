// A host in small: go-plugin's own client with AutoMTLS starts an extension, reads its definition and its status, and ends
// it. What it prints is one JSON document.
//
//	host plugin|connector FILE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"go.codycody31.dev/squad-aegis/internal/wire"
	"go.codycody31.dev/squad-aegis/pkg/connectorrpc"
	"go.codycody31.dev/squad-aegis/pkg/pluginrpc"
)

func main() {
	answer, err := asked(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(answer)
}

// The connection, as go-plugin hands it over.
type dispensed struct {
	plugin.NetRPCUnsupportedPlugin
}

func (dispensed) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (dispensed) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (interface{}, error) {
	return conn, nil
}

func asked(kind, file string) (map[string]interface{}, error) {
	name, handshake, service := "aegis_plugin", pluginrpc.Handshake, wire.PluginService
	if kind == "connector" {
		name, handshake, service = "aegis_connector", connectorrpc.Handshake, wire.ConnectorService
	}
	command := exec.Command(file)
	command.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8"}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugin.PluginSet{name: dispensed{}},
		Cmd:              command,
		SkipHostEnv:      true,
		AutoMTLS:         true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(name)
	if err != nil {
		return nil, err
	}
	conn := raw.(*grpc.ClientConn)
	call := func(method string, request, answer any) error {
		return conn.Invoke(context.Background(), "/"+service+"/"+method, request, answer)
	}
	var status wire.Status
	answer := map[string]interface{}{}
	if kind == "connector" {
		var definition wire.ConnectorDefinition
		var invoked wire.InvokeResponse
		ping := &wire.Invoke{V: "1", Data: []byte(`{"action":"ping"}`)}
		for _, err := range []error{
			call("GetDefinition", &emptypb.Empty{}, &definition),
			call("Initialize", &wire.ConnectorInitialize{}, &emptypb.Empty{}),
			call("Start", &emptypb.Empty{}, &emptypb.Empty{}),
			call("Invoke", ping, &invoked),
		} {
			if err != nil {
				return nil, err
			}
		}
		answer["id"], answer["ping"] = definition.ConnectorID, invoked.OK
	} else {
		var definition wire.PluginDefinition
		if err := call("GetDefinition", &emptypb.Empty{}, &definition); err != nil {
			return nil, err
		}
		answer["id"], answer["events"] = definition.PluginID, definition.Events
	}
	if err := call("GetStatus", &emptypb.Empty{}, &status); err != nil {
		return nil, err
	}
	answer["status"] = status.Status
	return answer, nil
}
