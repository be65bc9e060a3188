"""Rules for stacks, also for what a program adds beside the components; docs/policy.md lists them.

The rules need nothing but Python; `pack.py` makes a policy pack of them, for which the extra `policy` has the package.
"""
