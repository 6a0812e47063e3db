// The existing runtime's way with the vault's file: read into a struct, write the struct. vault.md §2.1. It knows no member but
// these, and what it does not know is gone afterwards.
package main

import (
	"encoding/json"
	"os"
)

type metadata struct {
	Type        string
	Environment string
	Labels      map[string]string
}

type secret struct {
	Value    []byte   `json:"value"`
	Metadata metadata `json:"metadata"`
}

type file struct {
	Version      int               `json:"version,omitempty"`
	Salt         []byte            `json:"salt"`
	Verification []byte            `json:"verification,omitempty"`
	Secrets      map[string]secret `json:"secrets"`
}

func main() {
	path := os.Args[1]
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var vault file
	if err := json.Unmarshal(text, &vault); err != nil {
		panic(err)
	}
	written, err := json.MarshalIndent(vault, "", "  ")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(path, written, 0o600); err != nil {
		panic(err)
	}
}
