"""What the fork server of lab/language_host.py loads: the modules of programs, and what these load when it is used."""

import importlib
import warnings

import pulumi_aws

from lab.aws.bridge.types import RESOURCES

for name in (
    "diaspora_infra.aws.stack",
    "diaspora_infra.program",
    "diaspora_infra.pxe.stack",
    "lab.language_host",
    "pulumi.automation._server",
):
    importlib.import_module(name)
# the SDK warns of its own old classes where they are defined
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for module in sorted({token.split(":")[1].split("/")[0] for token in RESOURCES}):
        getattr(getattr(pulumi_aws, module), "any", None)  # the SDK loads a module when it is used
