// The fixture connector of sandbox.md §13, built as real ones are: Go, wasip1, the five HTTP and log functions.
//
// Operations: echo, http, http_cred, loop, sleep, panic, exit, die, hoard, and those of log.go and wide.go; any other is
// the error class unknown_op. Without log.go (tag nolog) its imports are linear's, with it athena's and google's.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"
)

//go:wasmimport aileron_host http_request
func hostRequest(envelope string) int32

//go:wasmimport aileron_host http_response_size
func hostSize() int32

//go:wasmimport aileron_host http_response_status
func hostStatus() int32

//go:wasmimport aileron_host http_response_read
func hostRead(destination *byte, length uint32) int32

// more is what other files of this package can do.
var more = map[string]func(){}

type request struct {
	Op   string         `json:"op"`
	Args map[string]any `json:"args"`
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail("read_stdin", err.Error(), 1)
	}
	var call request
	if err := json.Unmarshal(input, &call); err != nil {
		fail("parse_input", err.Error(), 1)
	}
	text := func(name string) string { value, _ := call.Args[name].(string); return value }
	switch call.Op {
	case "echo":
		give(map[string]any{"echo": call.Args["value"]})
	case "http":
		exchange(map[string]any{"method": "GET", "url": text("url")})
	case "http_cred":
		envelope := map[string]any{"method": text("method"), "url": text("url"), "credential": text("credential")}
		if body := text("body"); body != "" {
			envelope["body"] = body
		}
		if headers, ok := call.Args["headers"]; ok {
			envelope["headers"] = headers
		}
		exchange(envelope)
	case "loop":
		for {
		}
	case "sleep":
		began := time.Now()
		time.Sleep(time.Duration(call.Args["ms"].(float64)) * time.Millisecond)
		give(map[string]any{"slept_ms": time.Since(began).Milliseconds(), "year": began.UTC().Year()})
	case "panic":
		fail("connector_runtime_error", "panicking as asked", 1)
	case "exit":
		os.Exit(int(call.Args["code"].(float64)))
	case "die":
		panic("dying as asked")
	case "hoard":
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
			kept[len(kept)-1][0] = 1
		}
	default:
		if operation, known := more[call.Op]; known {
			operation()
			return
		}
		fail("unknown_op", "there is no operation "+url.QueryEscape(call.Op), 0)
	}
}

func exchange(envelope map[string]any) {
	text, _ := json.Marshal(envelope)
	if code := hostRequest(string(text)); code != 0 {
		give(map[string]any{"http_request_rc": code})
		return
	}
	size := hostSize()
	if size < 0 {
		fail("connector_runtime_error", "no response", 0)
	}
	body := make([]byte, size)
	if size > 0 {
		if read := hostRead(&body[0], uint32(size)); read != size {
			fail("connector_runtime_error", fmt.Sprintf("read %d of %d bytes", read, size), 0)
		}
	}
	give(map[string]any{"status": hostStatus(), "size": size, "body": string(body)})
}

func give(output map[string]any) {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"output": output})
}

func fail(class, message string, code int) {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"error": map[string]string{"class": class, "message": message}})
	os.Exit(code)
}
