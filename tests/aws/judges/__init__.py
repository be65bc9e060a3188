"""Programs of others that judge the resources of a stack."""
