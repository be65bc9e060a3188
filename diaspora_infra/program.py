"""The Pulumi program of a stack: from its config to its outputs."""

import gc
from pathlib import Path

import pulumi


def build_stack() -> None:
    """Build what the stack's config asks for, and export its outputs. Raises RunError for a config that is wrong."""
    # The collector would look through all modules again and again while more are loaded: a third of the start.
    gc.disable()
    from diaspora_infra.config import ConfigError
    from diaspora_infra.pulumi_config import config_run_error

    try:
        _build()
    except ConfigError as error:
        raise config_run_error(error, "this stack") from None
    gc.freeze()
    gc.enable()


def _build() -> None:
    from diaspora_infra.config import AwsSettings, ProvisioningSettings, PxeSettings
    from diaspora_infra.pulumi_config import load_stack_config

    settings, secrets = load_stack_config()
    # imported only when needed: a target's provider package is slow to import
    if isinstance(settings, ProvisioningSettings):
        from diaspora_infra.pxe.provisioning_server import provisioning_stack

        outputs = provisioning_stack(settings)
    elif isinstance(settings, PxeSettings):
        from diaspora_infra.pxe.stack import pxe_stack

        outputs = pxe_stack(settings, secrets, Path.cwd())
    elif isinstance(settings, AwsSettings):
        from diaspora_infra.aws.stack import aws_stack

        outputs = aws_stack(settings, secrets)
    else:
        from diaspora_infra.ignition import ignition_stack

        outputs = ignition_stack(settings, secrets)
    for name, value in outputs.items():
        pulumi.export(name, value)
