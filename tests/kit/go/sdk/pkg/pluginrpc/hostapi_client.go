package pluginrpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"go.codycody31.dev/squad-aegis/internal/wire"
)

func hostAPIs(conn *grpc.ClientConn) *HostAPIs {
	h := host{conn}
	return &HostAPIs{
		LogAPI: logAPI{h}, RconAPI: rconAPI{h}, ServerAPI: serverAPI{h}, DatabaseAPI: databaseAPI{h}, RuleAPI: ruleAPI{h},
		AdminAPI: adminAPI{h}, EventAPI: eventAPI{h}, DiscordAPI: discordAPI{h}, ConnectorAPI: connectorAPI{h},
	}
}

// The host, behind its socket.
type host struct{ conn *grpc.ClientConn }

// Calls a method. What the host says is wrong comes back as a plain error, without the words of gRPC around it.
func (h host) callWith(ctx context.Context, method string, request, answer any) error {
	err := h.conn.Invoke(ctx, "/"+wire.HostAPIService+"/"+method, request, answer)
	if said, ok := status.FromError(err); ok && err != nil {
		return errors.New(said.Message())
	}
	return err
}

func (h host) call(method string, request, answer any) error {
	return h.callWith(context.Background(), method, request, answer)
}

func (h host) do(method string, request any) error { return h.call(method, request, &emptypb.Empty{}) }

func (h host) text(method string, request any) (string, error) {
	var answer wire.Text1
	err := h.call(method, request, &answer)
	return answer.A, err
}

func jsonOf[T any](h host, method string, request any) (T, error) {
	var answer wire.Data
	if err := h.call(method, request, &answer); err != nil {
		var none T
		return none, err
	}
	return wire.FromJSON[T](answer.Data)
}

type logAPI struct{ h host }

func (a logAPI) log(method, message string, err error, fields map[string]interface{}) {
	line := &wire.Log{Message: message, Fields: wire.ToJSON(fields)}
	if err != nil {
		line.Error = err.Error()
	}
	_ = a.h.do(method, line)
}
func (a logAPI) Info(message string, f map[string]interface{})  { a.log("LogInfo", message, nil, f) }
func (a logAPI) Warn(message string, f map[string]interface{})  { a.log("LogWarn", message, nil, f) }
func (a logAPI) Debug(message string, f map[string]interface{}) { a.log("LogDebug", message, nil, f) }
func (a logAPI) Error(message string, err error, f map[string]interface{}) {
	a.log("LogError", message, err, f)
}

type rconAPI struct{ h host }

func (a rconAPI) SendCommand(command string) (string, error) {
	return a.h.text("RconSendCommand", &wire.Text1{A: command})
}
func (a rconAPI) Broadcast(message string) error {
	return a.h.do("RconBroadcast", &wire.Text1{A: message})
}
func (a rconAPI) SendWarningToPlayer(player, message string) error {
	return a.h.do("RconSendWarningToPlayer", &wire.Text2{A: player, B: message})
}
func (a rconAPI) KickPlayer(player, reason string) error {
	return a.h.do("RconKickPlayer", &wire.Text2{A: player, B: reason})
}
func (a rconAPI) BanPlayer(player, reason string, d time.Duration) error {
	return a.h.do("RconBanPlayer", action(player, reason, d, nil))
}
func (a rconAPI) BanWithEvidence(player, reason string, d time.Duration, id, kind string) (string, error) {
	return a.h.text("RconBanWithEvidence", evidence(action(player, reason, d, nil), id, kind))
}
func (a rconAPI) WarnPlayerWithRule(player, message string, rule *string) error {
	return a.h.do("RconWarnPlayerWithRule", action(player, message, 0, rule))
}
func (a rconAPI) KickPlayerWithRule(player, reason string, rule *string) error {
	return a.h.do("RconKickPlayerWithRule", action(player, reason, 0, rule))
}
func (a rconAPI) BanPlayerWithRule(player, reason string, d time.Duration, rule *string) error {
	return a.h.do("RconBanPlayerWithRule", action(player, reason, d, rule))
}
func (a rconAPI) BanWithEvidenceAndRule(player, reason string, d time.Duration, id, kind string, rule *string) (string, error) {
	return a.h.text("RconBanWithEvidenceAndRule", evidence(action(player, reason, d, rule), id, kind))
}
func (a rconAPI) BanWithEvidenceAndRuleAndMetadata(player, reason string, d time.Duration, id, kind string, rule *string, metadata map[string]interface{}) (string, error) {
	request := evidence(action(player, reason, d, rule), id, kind)
	request.Metadata = wire.ToJSON(metadata)
	return a.h.text("RconBanWithEvidenceAndRuleAndMetadata", request)
}
func (a rconAPI) RemovePlayerFromSquad(player string) error {
	return a.h.do("RconRemovePlayerFromSquad", &wire.Text1{A: player})
}
func (a rconAPI) RemovePlayerFromSquadById(player string) error {
	return a.h.do("RconRemovePlayerFromSquadById", &wire.Text1{A: player})
}

func action(player, reason string, d time.Duration, rule *string) *wire.PlayerAction {
	a := &wire.PlayerAction{PlayerID: player, Reason: reason, DurationNS: d.Nanoseconds()}
	if rule != nil {
		a.RuleID, a.RuleIDSet = *rule, true
	}
	return a
}

func evidence(a *wire.PlayerAction, id, kind string) *wire.PlayerAction {
	a.EventID, a.EventType = id, kind
	return a
}

type serverAPI struct{ h host }

func (a serverAPI) GetServerID() (string, error) { return a.h.text("ServerGetServerID", nothing()) }
func (a serverAPI) GetServerInfo() (map[string]interface{}, error) {
	return jsonOf[map[string]interface{}](a.h, "ServerGetServerInfo", nothing())
}
func (a serverAPI) GetPlayers() ([]map[string]interface{}, error) { return a.list("ServerGetPlayers") }
func (a serverAPI) GetAdmins() ([]map[string]interface{}, error)  { return a.list("ServerGetAdmins") }
func (a serverAPI) GetSquads() ([]map[string]interface{}, error)  { return a.list("ServerGetSquads") }
func (a serverAPI) list(method string) ([]map[string]interface{}, error) {
	return jsonOf[[]map[string]interface{}](a.h, method, nothing())
}

func nothing() *emptypb.Empty { return &emptypb.Empty{} }

type databaseAPI struct{ h host }

func (a databaseAPI) GetPluginData(key string) (string, error) {
	return a.h.text("DatabaseGetPluginData", &wire.Text2{A: key})
}
func (a databaseAPI) SetPluginData(key, value string) error {
	return a.h.do("DatabaseSetPluginData", &wire.Text2{A: key, B: value})
}
func (a databaseAPI) DeletePluginData(key string) error {
	return a.h.do("DatabaseDeletePluginData", &wire.Text2{A: key})
}

type ruleAPI struct{ h host }

func (a ruleAPI) ListServerRules(parent *string) ([]map[string]interface{}, error) {
	request := &wire.OptionalText{}
	if parent != nil {
		request.Value, request.Set = *parent, true
	}
	return jsonOf[[]map[string]interface{}](a.h, "RuleListServerRules", request)
}
func (a ruleAPI) ListServerRuleActions(rule string) ([]map[string]interface{}, error) {
	return jsonOf[[]map[string]interface{}](a.h, "RuleListServerRuleActions", &wire.Text1{A: rule})
}

type adminAPI struct{ h host }

func (a adminAPI) AddTemporaryAdmin(player, role, notes string, expires *time.Time) error {
	return a.h.do("AdminAddTemporaryAdmin", &wire.TemporaryAdmin{PlayerID: player, RoleName: role, Notes: notes, ExpiresAt: stamp(expires)})
}
func (a adminAPI) RemoveTemporaryAdmin(player, notes string) error {
	return a.h.do("AdminRemoveTemporaryAdmin", &wire.Text3{A: player, C: notes})
}
func (a adminAPI) RemoveTemporaryAdminRole(player, role, notes string) error {
	return a.h.do("AdminRemoveTemporaryAdminRole", &wire.Text3{A: player, B: role, C: notes})
}
func (a adminAPI) GetPlayerAdminStatus(player string) (map[string]interface{}, error) {
	return jsonOf[map[string]interface{}](a.h, "AdminGetPlayerAdminStatus", &wire.Text1{A: player})
}
func (a adminAPI) ListTemporaryAdmins() ([]map[string]interface{}, error) {
	return jsonOf[[]map[string]interface{}](a.h, "AdminListTemporaryAdmins", nothing())
}

type eventAPI struct{ h host }

func (a eventAPI) PublishEvent(kind string, data map[string]interface{}, raw string) error {
	return a.h.do("EventPublishEvent", &wire.Publish{EventType: kind, Data: wire.ToJSON(data), Raw: raw})
}

type discordAPI struct{ h host }

func (a discordAPI) SendMessage(channel, content string) (string, error) {
	return a.h.text("DiscordSendMessage", &wire.Discord{ChannelID: channel, Content: content})
}
func (a discordAPI) SendEmbed(channel string, embed map[string]interface{}) (string, error) {
	return a.h.text("DiscordSendEmbed", &wire.Discord{ChannelID: channel, Embed: wire.ToJSON(embed)})
}

type connectorAPI struct{ h host }

func (a connectorAPI) Call(ctx context.Context, id string, r *ConnectorInvokeRequest) (*ConnectorInvokeResponse, error) {
	if r == nil {
		return nil, errors.New("a call needs a request")
	}
	request := &wire.ConnectorCall{ConnectorID: id, V: r.V, Data: wire.ToJSON(r.Data)}
	if deadline, ok := ctx.Deadline(); ok {
		request.TimeoutMS = time.Until(deadline).Milliseconds()
	}
	var answer wire.InvokeResponse
	if err := a.h.callWith(ctx, "ConnectorCall", request, &answer); err != nil {
		return nil, err
	}
	data, err := wire.FromJSON[map[string]interface{}](answer.Data)
	return &ConnectorInvokeResponse{V: answer.V, OK: answer.OK, Data: data, Error: answer.Error}, err
}
