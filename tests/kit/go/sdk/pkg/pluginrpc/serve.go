package pluginrpc

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"go.codycody31.dev/squad-aegis/internal/wire"
)

// Handshake is how host and plugin know each other.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "AEGIS_NATIVE_PLUGIN",
	MagicCookieValue: "squad-aegis-plugin-v1",
}

// Serve runs the plugin until the host ends it. It is the whole of `main`.
func Serve(p Plugin) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         plugin.PluginSet{"aegis_plugin": &served{plugin: p}},
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	plugin  Plugin
	broker  *plugin.GRPCBroker
	running wire.Running
}

func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (interface{}, error) {
	return nil, errors.New("this package holds the plugin's side only")
}

func (s *served) GRPCServer(broker *plugin.GRPCBroker, server *grpc.Server) error {
	s.broker = broker
	p := s.plugin
	wire.Serve(server, wire.PluginService, append([]grpc.MethodDesc{
		wire.Ask("GetDefinition", func(context.Context) (any, error) { return definition(p.GetDefinition()), nil }),
		wire.Method("Initialize", s.initialize),
		wire.Ask("Start", func(context.Context) (any, error) { return wire.Empty(s.running.StartWithin(p.Start)) }),
		wire.Ask("Stop", func(context.Context) (any, error) {
			s.running.End()
			return wire.Empty(p.Stop())
		}),
		wire.Method("HandleEvent", func(_ context.Context, e *wire.PluginEvent) (any, error) {
			return wire.Empty(p.HandleEvent(&PluginEvent{
				ID: e.ID, ServerID: e.ServerID, Source: EventSource(e.Source), Type: e.Type,
				Data: e.Data, Raw: e.Raw, Timestamp: e.Timestamp.AsTime(),
			}))
		}),
		wire.Ask("GetStatus", func(context.Context) (any, error) {
			return &wire.Status{Status: string(p.GetStatus())}, nil
		}),
		wire.Ask("GetConfig", func(context.Context) (any, error) {
			return &wire.Config{Config: wire.ToJSON(p.GetConfig())}, nil
		}),
		wire.Method("UpdateConfig", func(_ context.Context, r *wire.Config) (any, error) {
			config, err := wire.FromJSON[map[string]interface{}](r.Config)
			if err != nil {
				return nil, err
			}
			return wire.Empty(p.UpdateConfig(config))
		}),
	}, s.commands()...))
	return nil
}

func (s *served) commands() []grpc.MethodDesc {
	p := s.plugin
	return []grpc.MethodDesc{
		wire.Ask("GetCommands", func(context.Context) (any, error) {
			list := &wire.CommandList{}
			for _, c := range p.GetCommands() {
				list.Commands = append(list.Commands, &wire.PluginCommand{
					ID: c.ID, Name: c.Name, Description: c.Description, Category: c.Category, Parameters: c.Parameters.Wire(),
					ExecutionType: string(c.ExecutionType), RequiredPermissions: c.RequiredPermissions, ConfirmMessage: c.ConfirmMessage,
				})
			}
			return list, nil
		}),
		wire.Method("ExecuteCommand", func(_ context.Context, r *wire.ExecuteCommand) (any, error) {
			params, err := wire.FromJSON[map[string]interface{}](r.Params)
			if err != nil {
				return nil, err
			}
			result, err := p.ExecuteCommand(r.CommandID, params)
			if err != nil {
				return nil, err
			}
			return commandResult(result), nil
		}),
		wire.Method("GetCommandExecutionStatus", func(_ context.Context, r *wire.ExecutionID) (any, error) {
			status, err := p.GetCommandExecutionStatus(r.ExecutionID)
			if err != nil {
				return nil, err
			}
			return executionStatus(status), nil
		}),
	}
}

// The host's own services: the child dials the socket that the host told its broker.
func (s *served) initialize(_ context.Context, r *wire.PluginInitialize) (any, error) {
	config, err := wire.FromJSON[map[string]interface{}](r.Config)
	if err != nil {
		return nil, err
	}
	host, err := s.broker.Dial(r.HostAPIBrokerID)
	if err != nil {
		return nil, err
	}
	return wire.Empty(s.plugin.Initialize(config, hostAPIs(host)))
}

func definition(d PluginDefinition) *wire.PluginDefinition {
	return &wire.PluginDefinition{
		PluginID: d.PluginID, AllowMultipleInstances: d.AllowMultipleInstances, LongRunning: d.LongRunning,
		RequiredConnectors: d.RequiredConnectors, OptionalConnectors: d.OptionalConnectors,
		ConfigSchema: d.ConfigSchema.Wire(), Events: d.Events,
	}
}

func commandResult(r *CommandResult) *wire.CommandResult {
	if r == nil {
		return &wire.CommandResult{}
	}
	return &wire.CommandResult{
		Success: r.Success, Message: r.Message, Data: wire.ToJSON(r.Data), ExecutionID: r.ExecutionID, Error: r.Error,
	}
}

func executionStatus(s *CommandExecutionStatus) *wire.CommandExecutionStatus {
	if s == nil {
		return &wire.CommandExecutionStatus{}
	}
	status := &wire.CommandExecutionStatus{
		ExecutionID: s.ExecutionID, CommandID: s.CommandID, Status: s.Status, Progress: int32(s.Progress), Message: s.Message,
		StartedAt: stamp(&s.StartedAt), CompletedAt: stamp(s.CompletedAt),
	}
	if s.Result != nil {
		status.Result = commandResult(s.Result)
	}
	return status
}

func stamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil || t.IsZero() {
		return nil
	}
	return timestamppb.New(*t)
}
