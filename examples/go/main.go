// A pod on a machine that boots from a matchbox server.
package main

import (
	"os"
	"path/filepath"

	infra "example.com/pulumi-diaspora-infra/sdk/go/diasporainfra"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// There is no Go package of the matchbox provider; all that is needed of one is the provider itself.
type matchbox struct{ pulumi.ProviderResourceState }

func newMatchbox(ctx *pulumi.Context, endpoint string) (*matchbox, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	inputs := pulumi.Map{"endpoint": pulumi.String(endpoint)}
	for input, file := range map[string]string{"ca": "ca.crt", "clientCert": "client.crt", "clientKey": "client.key"} {
		text, err := os.ReadFile(filepath.Join(home, ".matchbox", file))
		if err != nil {
			return nil, err
		}
		inputs[input] = pulumi.ToSecret(pulumi.String(text))
	}
	var provider matchbox
	err = ctx.RegisterResource("pulumi:providers:matchbox", "matchbox", inputs, &provider, pulumi.Version("0.3.0"))
	return &provider, err
}

func main() { pulumi.Run(program) }

func program(ctx *pulumi.Context) error {
	cfg := config.New(ctx, "")
	provider, err := newMatchbox(ctx, cfg.Require("rpcEndpoint"))
	if err != nil {
		return err
	}
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org"
	machine, err := infra.NewIgnition(ctx, "pod", &infra.IgnitionArgs{
		Pod: infra.PodTableArgs{
			Domain: pulumi.String(cfg.Require("domain")),
			Admin: infra.AdminTableArgs{
				Username: pulumi.String("podmin"),
				Email:    pulumi.String("podmin@example.org"),
			},
			Mail: infra.MailTableArgs{
				SenderAddress: pulumi.String("pod@example.org"),
				Smtp: infra.SmtpTableArgs{
					Host:     pulumi.String("smtp.example.org"),
					Username: pulumi.String("pod"),
				},
			},
		},
		Host: infra.HostTableArgs{
			Users: infra.UserTableArray{infra.UserTableArgs{
				Name:              pulumi.String("core"),
				SshAuthorizedKeys: pulumi.StringArray{pulumi.String(key)},
			}},
			Storage: infra.StorageTableArgs{RootGib: pulumi.Int(12)},
			Updates: infra.UpdatesTableArgs{Strategy: infra.UpdatesStrategyOff},
		},
		Machine: infra.MachineTableArgs{Disk: pulumi.String("/dev/vda")},
		Secrets: pulumi.StringMap{"smtpPassword": cfg.RequireSecret("smtpPassword")},
	})
	if err != nil {
		return err
	}
	pod, err := infra.NewPxePod(ctx, "pod", &infra.PxePodArgs{
		Mac:         pulumi.String("52:54:00:a1:9c:01"),
		Ignition:    machine.Ignition,
		MatchboxUrl: pulumi.String(cfg.Require("httpUrl")),
		Version:     pulumi.String("44.20260802.3.1"),
		Disk:        pulumi.String("/dev/vda"),
	}, pulumi.ProviderMap(map[string]pulumi.ProviderResource{"matchbox": provider}))
	if err != nil {
		return err
	}
	ctx.Export("ipxe", pod.IpxeUrl)
	ctx.Export("installed", pod.Config)
	return nil
}
