//go:build !nolog

package main

//go:wasmimport aileron_host log
func hostLog(level, message string)

func init() {
	more["log"] = func() {
		hostLog("info", "hello from connector")
		give(map[string]any{"logged": true})
	}
}
