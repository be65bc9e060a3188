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
	provider := tfbridge.ProviderInfo{
		P:       sdkv2.NewProvider(matchbox.Provider()),
		Name:    name,
		Version: version,
		// With UniqueNameFields, what is replaced under the same name is deleted first: the new one would overwrite the
		// old one on the server and then be deleted in its place. Under another name, the new one comes first.
		Resources: map[string]*tfbridge.ResourceInfo{
			"matchbox_profile": {Tok: "matchbox:index/profile:Profile", UniqueNameFields: []string{"name"}},
			"matchbox_group":   {Tok: "matchbox:index/group:Group", UniqueNameFields: []string{"name"}},
		},
	}
	provider.SetAutonaming(255, "-") // as in the released plugin, where a name may be left out
	tfbridge.Main(name, version, provider, schema)
}
