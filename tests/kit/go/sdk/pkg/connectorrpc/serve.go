package connectorrpc

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"go.codycody31.dev/squad-aegis/internal/wire"
)

// Handshake is how host and connector know each other.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "AEGIS_NATIVE_CONNECTOR",
	MagicCookieValue: "squad-aegis-connector-v1",
}

// Serve runs the connector until the host ends it. It is the whole of `main`.
func Serve(connector Connector) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         plugin.PluginSet{"aegis_connector": &served{connector: connector}},
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	connector Connector
	running   wire.Running
}

func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (interface{}, error) {
	return nil, errors.New("this package holds the connector's side only")
}

func (s *served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	c := s.connector
	wire.Serve(server, wire.ConnectorService, []grpc.MethodDesc{
		wire.Ask("GetDefinition", func(context.Context) (any, error) {
			d := c.GetDefinition()
			return &wire.ConnectorDefinition{ConnectorID: d.ConnectorID, ConfigSchema: d.ConfigSchema.Wire()}, nil
		}),
		wire.Method("Initialize", func(_ context.Context, r *wire.ConnectorInitialize) (any, error) {
			config, err := wire.FromJSON[map[string]interface{}](r.Config)
			if err != nil {
				return nil, err
			}
			return wire.Empty(c.Initialize(config))
		}),
		wire.Ask("Start", func(context.Context) (any, error) { return wire.Empty(s.running.StartWithin(c.Start)) }),
		wire.Ask("Stop", func(context.Context) (any, error) {
			s.running.End()
			return wire.Empty(c.Stop())
		}),
		wire.Ask("GetStatus", func(context.Context) (any, error) {
			return &wire.Status{Status: string(c.GetStatus())}, nil
		}),
		wire.Ask("GetConfig", func(context.Context) (any, error) {
			return &wire.Config{Config: wire.ToJSON(c.GetConfig())}, nil
		}),
		wire.Method("UpdateConfig", func(_ context.Context, r *wire.Config) (any, error) {
			config, err := wire.FromJSON[map[string]interface{}](r.Config)
			if err != nil {
				return nil, err
			}
			return wire.Empty(c.UpdateConfig(config))
		}),
		wire.Method("Invoke", s.invoke),
	})
	return nil
}

func (s *served) invoke(ctx context.Context, r *wire.Invoke) (any, error) {
	data, err := wire.FromJSON[map[string]interface{}](r.Data)
	if err != nil {
		return nil, err
	}
	if r.TimeoutMS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.TimeoutMS)*time.Millisecond)
		defer cancel()
	}
	answer, err := s.connector.Invoke(ctx, &ConnectorInvokeRequest{V: r.V, Data: data})
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, errors.New("the connector answered nothing")
	}
	return &wire.InvokeResponse{V: answer.V, OK: answer.OK, Data: wire.ToJSON(answer.Data), Error: answer.Error}, nil
}
