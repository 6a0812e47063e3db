package wire

import "google.golang.org/protobuf/types/known/timestamppb"

// HostAPIService is the gRPC service a host offers to a plugin.
const HostAPIService = "squadaegis.pluginrpc.v1.HostAPI"

// Log is one line for the host's log.
type Log struct {
	Message string `protobuf:"bytes,1,opt,name=message,proto3"`
	Fields  []byte `protobuf:"bytes,2,opt,name=fields,proto3"`
	Error   string `protobuf:"bytes,3,opt,name=error,proto3"`
}

// Text1 is a request or answer of one string: a command, a response, a message, a value, an id.
type Text1 struct {
	A string `protobuf:"bytes,1,opt,name=a,proto3"`
}

// Text2 is a request of two strings: a player and a message or reason, a key and a value.
type Text2 struct {
	A string `protobuf:"bytes,1,opt,name=a,proto3"`
	B string `protobuf:"bytes,2,opt,name=b,proto3"`
}

// Text3 is a request of three strings: a player, a role and notes.
type Text3 struct {
	A string `protobuf:"bytes,1,opt,name=a,proto3"`
	B string `protobuf:"bytes,2,opt,name=b,proto3"`
	C string `protobuf:"bytes,3,opt,name=c,proto3"`
}

// Data is an answer of JSON.
type Data struct {
	Data []byte `protobuf:"bytes,1,opt,name=data,proto3"`
}

// OptionalText is a string that may be absent.
type OptionalText struct {
	Value string `protobuf:"bytes,1,opt,name=value,proto3"`
	Set   bool   `protobuf:"varint,2,opt,name=set,proto3"`
}

// PlayerAction is a ban, a kick or a warning, with its evidence and its rule.
type PlayerAction struct {
	PlayerID   string `protobuf:"bytes,1,opt,name=player_id,proto3"`
	Reason     string `protobuf:"bytes,2,opt,name=reason,proto3"`
	DurationNS int64  `protobuf:"varint,3,opt,name=duration_ns,proto3"`
	EventID    string `protobuf:"bytes,4,opt,name=event_id,proto3"`
	EventType  string `protobuf:"bytes,5,opt,name=event_type,proto3"`
	RuleID     string `protobuf:"bytes,6,opt,name=rule_id,proto3"`
	RuleIDSet  bool   `protobuf:"varint,7,opt,name=rule_id_set,proto3"`
	Metadata   []byte `protobuf:"bytes,8,opt,name=metadata,proto3"`
}

// TemporaryAdmin asks for admin rights until a time.
type TemporaryAdmin struct {
	PlayerID  string                 `protobuf:"bytes,1,opt,name=player_id,proto3"`
	RoleName  string                 `protobuf:"bytes,2,opt,name=role_name,proto3"`
	Notes     string                 `protobuf:"bytes,3,opt,name=notes,proto3"`
	ExpiresAt *timestamppb.Timestamp `protobuf:"bytes,4,opt,name=expires_at,proto3"`
}

// Publish asks the host to publish an event.
type Publish struct {
	EventType string `protobuf:"bytes,1,opt,name=event_type,proto3"`
	Data      []byte `protobuf:"bytes,2,opt,name=data,proto3"`
	Raw       string `protobuf:"bytes,3,opt,name=raw,proto3"`
}

// Discord is a message for a Discord channel.
type Discord struct {
	ChannelID string `protobuf:"bytes,1,opt,name=channel_id,proto3"`
	Content   string `protobuf:"bytes,2,opt,name=content,proto3"`
	Embed     []byte `protobuf:"bytes,3,opt,name=embed,proto3"`
}

// ConnectorCall asks the host to invoke a connector.
type ConnectorCall struct {
	ConnectorID string `protobuf:"bytes,1,opt,name=connector_id,proto3"`
	V           string `protobuf:"bytes,2,opt,name=v,proto3"`
	Data        []byte `protobuf:"bytes,3,opt,name=data,proto3"`
	TimeoutMS   int64  `protobuf:"varint,4,opt,name=timeout_ms,proto3"`
}
