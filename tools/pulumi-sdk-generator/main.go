// Command pulumi-sdk-generator writes the SDK of a package, as `pulumi package gen-sdk` does: that command asks a
// language host of a version whose source the Go proxy does not have.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const (
	name    = "pulumi-sdk-generator"
	version = "3.200.0"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "-version" {
		fmt.Println(version)
		return
	}
	if len(os.Args) != 4 {
		log.Fatalf("usage: %s go|nodejs SCHEMA.json FOLDER", name)
	}
	files, err := generate(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for file, content := range files {
		path := filepath.Join(os.Args[3], file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func generate(language, file string) (map[string][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	pkg, problems, err := schema.BindSpec(spec, nil, schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems
	}
	pkg.SupportPack = true // as `pulumi package add` does
	switch language {
	case "go":
		return golang.GeneratePackage(name, pkg, nil)
	case "nodejs":
		files, err := nodejs.GeneratePackage(name, pkg, nil, nil, true, nil)
		// in the folder of types, this version of the generator writes paths as in the folder above
		for _, file := range []string{"types/index.ts", "types/input.ts", "types/output.ts"} {
			text := bytes.ReplaceAll(files[file], []byte(`from "./types/`), []byte(`from "./`))
			files[file] = bytes.ReplaceAll(text, []byte(`from "./utilities"`), []byte(`from "../utilities"`))
		}
		return files, err
	}
	return nil, fmt.Errorf("%s: no such language", language)
}
