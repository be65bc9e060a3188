"""The policy pack: `pulumi up --policy-pack policy`."""

from diaspora_infra.policy.pack import policy_pack

policy_pack()
