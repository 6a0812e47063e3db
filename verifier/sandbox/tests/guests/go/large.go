//go:build large

// What makes a connector as large as the larger real ones. Linked, never run: the benchmark asks for it by its tag.
package main

import (
	"html/template"
	"os"
)

func init() {
	more["page"] = func() {
		_ = template.Must(template.New("page").Parse("{{.}}")).Execute(os.Stdout, "page")
	}
}
