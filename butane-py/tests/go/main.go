// Command reference answers what the butane program cannot be asked: which keys its versions know, and how
// Ignition merges documents. Both come from the pinned modules that the program itself is built from.
//
//	reference keys 1.5.0            the keys of a version, one a line
//	reference merge a.ign b.ign ... the documents merged in order, each raised to the newest version before
//	reference upgrade a.ign         a document raised to the newest version
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	clarketm "github.com/clarketm/json"
	v1_0 "github.com/coreos/butane/config/fcos/v1_0"
	v1_1 "github.com/coreos/butane/config/fcos/v1_1"
	v1_2 "github.com/coreos/butane/config/fcos/v1_2"
	v1_3 "github.com/coreos/butane/config/fcos/v1_3"
	v1_4 "github.com/coreos/butane/config/fcos/v1_4"
	v1_5 "github.com/coreos/butane/config/fcos/v1_5"
	v1_6 "github.com/coreos/butane/config/fcos/v1_6"
	v1_7 "github.com/coreos/butane/config/fcos/v1_7"
	"github.com/coreos/ignition/v2/config/v3_6"
	"github.com/coreos/ignition/v2/config/v3_6/types"
)

var versions = map[string]any{
	"1.0.0": v1_0.Config{}, "1.1.0": v1_1.Config{}, "1.2.0": v1_2.Config{}, "1.3.0": v1_3.Config{},
	"1.4.0": v1_4.Config{}, "1.5.0": v1_5.Config{}, "1.6.0": v1_6.Config{}, "1.7.0": v1_7.Config{},
}

func main() {
	if len(os.Args) < 3 {
		fail("usage: reference keys VERSION | merge FILE ... | upgrade FILE")
	}
	switch os.Args[1] {
	case "keys":
		keys(reflect.TypeOf(versions[os.Args[2]]), "")
	case "merge", "upgrade":
		write(merge(os.Args[2:]))
	}
}

func keys(t reflect.Type, prefix string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			keys(field.Type, prefix)
			continue
		}
		fmt.Println(prefix + name)
		keys(field.Type, prefix+name+".")
	}
}

func merge(files []string) types.Config {
	var merged types.Config
	for i, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			fail(err.Error())
		}
		config, report, err := v3_6.ParseCompatibleVersion(raw)
		if err != nil {
			fail(fmt.Sprintf("%s: %v\n%s", file, err, report.String()))
		}
		if i == 0 {
			merged = config
		} else {
			merged = v3_6.Merge(merged, config)
		}
	}
	return merged
}

func write(config types.Config) {
	text, err := clarketm.Marshal(config)
	if err != nil {
		fail(err.Error())
	}
	if !json.Valid(text) {
		fail("not JSON")
	}
	fmt.Println(string(text))
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
