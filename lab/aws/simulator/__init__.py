"""An AWS account on this computer: moto, with what the Terraform provider needs beyond it."""
