// Command pulumi-resource-matchbox serves the Terraform provider for matchbox as a Pulumi plugin.
//
// Tokens and version are those of the released Python package pulumiverse-matchbox 0.3.0, so that programs
// written with it, and stacks made by the released plugin, work with this binary too.
package main

import (
	"encoding/json"
	"log"

	"github.com/poseidon/terraform-provider-matchbox/matchbox"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

const (
	name    = "matchbox"
	version = "0.3.0"
)

func main() {
	// The engine asks for a schema when it loads a plugin; the Python package carries the real one.
	schema, err := json.Marshal(map[string]string{"name": name, "version": version})
	if err != nil {
		log.Fatal(err)
	}
	tfbridge.Main(name, version, tfbridge.ProviderInfo{
		P:       sdkv2.NewProvider(matchbox.Provider()),
		Name:    name,
		Version: version,
		Resources: map[string]*tfbridge.ResourceInfo{
			"matchbox_profile": {Tok: "matchbox:index/profile:Profile"},
			"matchbox_group":   {Tok: "matchbox:index/group:Group"},
		},
	}, schema)
}
