// Decodes unit documents the way Aileron does: gopkg.in/yaml.v3 with known fields. One JSON text per line in, one answer per
// line out: the error, or what was decoded.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

type presence struct {
	Builtin string `yaml:"builtin" json:"builtin"`
}

type acquisition struct {
	Mode          string   `yaml:"mode" json:"mode"`
	ContainerName string   `yaml:"container_name" json:"container_name"`
	LoginCmd      []string `yaml:"login_cmd" json:"login_cmd"`
	TokenCmd      []string `yaml:"token_cmd" json:"token_cmd"`
	BrowserShim   string   `yaml:"browser_shim" json:"browser_shim"`
	ConfigDir     string   `yaml:"config_dir" json:"config_dir"`
	Image         string   `yaml:"image" json:"image"`
}

type sentinel struct {
	Value string `yaml:"value" json:"value"`
	Env   string `yaml:"env" json:"env"`
}

type sealing struct {
	Host          string    `yaml:"host" json:"host"`
	Scheme        string    `yaml:"scheme" json:"scheme"`
	EmitMechanism string    `yaml:"emit_mechanism" json:"emit_mechanism"`
	Sentinel      *sentinel `yaml:"sentinel" json:"sentinel"`
	Username      string    `yaml:"username" json:"username"`
	Header        string    `yaml:"header" json:"header"`
	Template      string    `yaml:"template" json:"template"`
	QueryParam    string    `yaml:"query_param" json:"query_param"`
	CredentialRef string    `yaml:"credential_ref" json:"credential_ref"`
}

type unit struct {
	Name          string         `yaml:"name" json:"name"`
	Key           string         `yaml:"key" json:"key"`
	Presence      *presence      `yaml:"presence" json:"presence"`
	Acquisition   acquisition    `yaml:"acquisition" json:"acquisition"`
	Sealing       []sealing      `yaml:"sealing" json:"sealing"`
	State         map[string]any `yaml:"state" json:"-"`
	StoreAt       string         `yaml:"store_at" json:"store_at"`
	CredentialRef string         `yaml:"credential_ref" json:"credential_ref"`
	Kind          string         `yaml:"kind" json:"kind"`
}

type answer struct {
	Error string          `json:"error,omitempty"`
	Unit  *unit           `json:"unit,omitempty"`
	State map[string]bool `json:"state,omitempty"`
}

func decode(text string) (result answer) {
	// The decoder panics on some keys; Aileron would fall over them.
	defer func() {
		if why := recover(); why != nil {
			result = answer{Error: fmt.Sprint("panic: ", why)}
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	var found unit
	if err := decoder.Decode(&found); err != nil {
		return answer{Error: err.Error()}
	}
	state := map[string]bool{}
	for name := range found.State {
		state[name] = true
	}
	return answer{Unit: &found, State: state}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		line, err := json.Marshal(decode(text))
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
	}
}
