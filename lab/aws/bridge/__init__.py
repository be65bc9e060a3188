"""A provider plugin `aws` for the engine, in front of the Terraform AWS provider that `tools` builds.

The plugin of the project pulumi-aws cannot be built from the Go proxy alone. This one runs the same plan, validate and
apply code of the Terraform provider for programs that use `pulumi_aws`, and knows the resources listed in
[types.py](types.py). It is a tool of the tests and of `make up-aws`, which take a real plugin on PATH instead of it;
real stacks have no other.
"""

VERSION = "7.51.1"
"""The version of pulumi_aws whose plugin it stands for: the one in uv.lock."""
