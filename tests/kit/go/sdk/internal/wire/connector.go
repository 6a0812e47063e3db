package wire

// ConnectorService is the gRPC service of a connector.
const ConnectorService = "squadaegis.connectorrpc.v1.Connector"

// ConnectorDefinition answers GetDefinition of a connector.
type ConnectorDefinition struct {
	ConnectorID  string        `protobuf:"bytes,1,opt,name=connector_id,proto3"`
	ConfigSchema *ConfigSchema `protobuf:"bytes,2,opt,name=config_schema,proto3"`
}

// ConnectorInitialize asks a connector to take its configuration.
type ConnectorInitialize struct {
	Config     []byte `protobuf:"bytes,1,opt,name=config,proto3"`
	InstanceID string `protobuf:"bytes,2,opt,name=instance_id,proto3"`
}

// Invoke is a request to a connector.
type Invoke struct {
	V         string `protobuf:"bytes,1,opt,name=v,proto3"`
	Data      []byte `protobuf:"bytes,2,opt,name=data,proto3"`
	TimeoutMS int64  `protobuf:"varint,3,opt,name=timeout_ms,proto3"`
}

// InvokeResponse is a connector's answer.
type InvokeResponse struct {
	V     string `protobuf:"bytes,1,opt,name=v,proto3"`
	OK    bool   `protobuf:"varint,2,opt,name=ok,proto3"`
	Data  []byte `protobuf:"bytes,3,opt,name=data,proto3"`
	Error string `protobuf:"bytes,4,opt,name=error,proto3"`
}
