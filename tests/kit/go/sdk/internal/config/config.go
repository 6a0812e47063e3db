// Package config holds the schema types that plugins and connectors share.
package config

import "go.codycody31.dev/squad-aegis/internal/wire"

// FieldType names what a field holds.
type FieldType string

// The types of a field. FieldTypeArray is deprecated.
const (
	FieldTypeString      FieldType = "string"
	FieldTypeInt         FieldType = "int"
	FieldTypeBool        FieldType = "bool"
	FieldTypeObject      FieldType = "object"
	FieldTypeArray       FieldType = "array"
	FieldTypeArrayString FieldType = "arraystring"
	FieldTypeArrayInt    FieldType = "arrayint"
	FieldTypeArrayBool   FieldType = "arraybool"
	FieldTypeArrayObject FieldType = "arrayobject"
)

// Field is one field of a schema. Options is the list of allowed values.
type Field struct {
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Required    bool          `json:"required"`
	Type        FieldType     `json:"type"`
	Default     interface{}   `json:"default,omitempty"`
	Sensitive   bool          `json:"sensitive,omitempty"`
	Options     []interface{} `json:"options,omitempty"`
	Nested      []Field       `json:"nested,omitempty"`
}

// Schema is a list of fields.
type Schema struct {
	Fields []Field `json:"fields"`
}

// Wire is the schema as it travels.
func (s Schema) Wire() *wire.ConfigSchema { return &wire.ConfigSchema{Fields: fields(s.Fields)} }

func fields(from []Field) []*wire.ConfigField {
	to := make([]*wire.ConfigField, 0, len(from))
	for _, f := range from {
		to = append(to, &wire.ConfigField{
			Name: f.Name, Description: f.Description, Required: f.Required, Type: string(f.Type),
			Default: wire.ToJSON(f.Default), Sensitive: f.Sensitive, Options: wire.ToJSON(f.Options), Nested: fields(f.Nested),
		})
	}
	return to
}
