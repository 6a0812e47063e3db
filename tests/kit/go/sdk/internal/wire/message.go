package wire

import "fmt"

// What google.golang.org/protobuf wants of a message that was not generated.

func (m *PluginDefinition) Reset()         { *m = PluginDefinition{} }
func (m *PluginDefinition) String() string { return fmt.Sprintf("%+v", *m) }
func (*PluginDefinition) ProtoMessage()    {}

func (m *ConfigSchema) Reset()         { *m = ConfigSchema{} }
func (m *ConfigSchema) String() string { return fmt.Sprintf("%+v", *m) }
func (*ConfigSchema) ProtoMessage()    {}

func (m *ConfigField) Reset()         { *m = ConfigField{} }
func (m *ConfigField) String() string { return fmt.Sprintf("%+v", *m) }
func (*ConfigField) ProtoMessage()    {}

func (m *PluginInitialize) Reset()         { *m = PluginInitialize{} }
func (m *PluginInitialize) String() string { return fmt.Sprintf("%+v", *m) }
func (*PluginInitialize) ProtoMessage()    {}

func (m *PluginEvent) Reset()         { *m = PluginEvent{} }
func (m *PluginEvent) String() string { return fmt.Sprintf("%+v", *m) }
func (*PluginEvent) ProtoMessage()    {}

func (m *Status) Reset()         { *m = Status{} }
func (m *Status) String() string { return fmt.Sprintf("%+v", *m) }
func (*Status) ProtoMessage()    {}

func (m *Config) Reset()         { *m = Config{} }
func (m *Config) String() string { return fmt.Sprintf("%+v", *m) }
func (*Config) ProtoMessage()    {}

func (m *CommandList) Reset()         { *m = CommandList{} }
func (m *CommandList) String() string { return fmt.Sprintf("%+v", *m) }
func (*CommandList) ProtoMessage()    {}

func (m *PluginCommand) Reset()         { *m = PluginCommand{} }
func (m *PluginCommand) String() string { return fmt.Sprintf("%+v", *m) }
func (*PluginCommand) ProtoMessage()    {}

func (m *ExecuteCommand) Reset()         { *m = ExecuteCommand{} }
func (m *ExecuteCommand) String() string { return fmt.Sprintf("%+v", *m) }
func (*ExecuteCommand) ProtoMessage()    {}

func (m *CommandResult) Reset()         { *m = CommandResult{} }
func (m *CommandResult) String() string { return fmt.Sprintf("%+v", *m) }
func (*CommandResult) ProtoMessage()    {}

func (m *ExecutionID) Reset()         { *m = ExecutionID{} }
func (m *ExecutionID) String() string { return fmt.Sprintf("%+v", *m) }
func (*ExecutionID) ProtoMessage()    {}

func (m *CommandExecutionStatus) Reset()         { *m = CommandExecutionStatus{} }
func (m *CommandExecutionStatus) String() string { return fmt.Sprintf("%+v", *m) }
func (*CommandExecutionStatus) ProtoMessage()    {}

func (m *ConnectorDefinition) Reset()         { *m = ConnectorDefinition{} }
func (m *ConnectorDefinition) String() string { return fmt.Sprintf("%+v", *m) }
func (*ConnectorDefinition) ProtoMessage()    {}

func (m *ConnectorInitialize) Reset()         { *m = ConnectorInitialize{} }
func (m *ConnectorInitialize) String() string { return fmt.Sprintf("%+v", *m) }
func (*ConnectorInitialize) ProtoMessage()    {}

func (m *Invoke) Reset()         { *m = Invoke{} }
func (m *Invoke) String() string { return fmt.Sprintf("%+v", *m) }
func (*Invoke) ProtoMessage()    {}

func (m *InvokeResponse) Reset()         { *m = InvokeResponse{} }
func (m *InvokeResponse) String() string { return fmt.Sprintf("%+v", *m) }
func (*InvokeResponse) ProtoMessage()    {}

func (m *Log) Reset()         { *m = Log{} }
func (m *Log) String() string { return fmt.Sprintf("%+v", *m) }
func (*Log) ProtoMessage()    {}

func (m *Text1) Reset()         { *m = Text1{} }
func (m *Text1) String() string { return fmt.Sprintf("%+v", *m) }
func (*Text1) ProtoMessage()    {}

func (m *Text2) Reset()         { *m = Text2{} }
func (m *Text2) String() string { return fmt.Sprintf("%+v", *m) }
func (*Text2) ProtoMessage()    {}

func (m *Text3) Reset()         { *m = Text3{} }
func (m *Text3) String() string { return fmt.Sprintf("%+v", *m) }
func (*Text3) ProtoMessage()    {}

func (m *Data) Reset()         { *m = Data{} }
func (m *Data) String() string { return fmt.Sprintf("%+v", *m) }
func (*Data) ProtoMessage()    {}

func (m *OptionalText) Reset()         { *m = OptionalText{} }
func (m *OptionalText) String() string { return fmt.Sprintf("%+v", *m) }
func (*OptionalText) ProtoMessage()    {}

func (m *PlayerAction) Reset()         { *m = PlayerAction{} }
func (m *PlayerAction) String() string { return fmt.Sprintf("%+v", *m) }
func (*PlayerAction) ProtoMessage()    {}

func (m *TemporaryAdmin) Reset()         { *m = TemporaryAdmin{} }
func (m *TemporaryAdmin) String() string { return fmt.Sprintf("%+v", *m) }
func (*TemporaryAdmin) ProtoMessage()    {}

func (m *Publish) Reset()         { *m = Publish{} }
func (m *Publish) String() string { return fmt.Sprintf("%+v", *m) }
func (*Publish) ProtoMessage()    {}

func (m *Discord) Reset()         { *m = Discord{} }
func (m *Discord) String() string { return fmt.Sprintf("%+v", *m) }
func (*Discord) ProtoMessage()    {}

func (m *ConnectorCall) Reset()         { *m = ConnectorCall{} }
func (m *ConnectorCall) String() string { return fmt.Sprintf("%+v", *m) }
func (*ConnectorCall) ProtoMessage()    {}
