module pod-in-go

go 1.24.0

require (
	example.com/pulumi-diaspora-infra/sdk/go v0.0.0
	github.com/pulumi/pulumi/sdk/v3 v3.200.0
)

replace example.com/pulumi-diaspora-infra/sdk/go => ./sdks/diaspora-infra
