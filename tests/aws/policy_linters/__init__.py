"""Policy linters (checkov, parliament, cfn-lint) over the resources of a stack."""
