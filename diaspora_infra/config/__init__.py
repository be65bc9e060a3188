"""Settings of a stack: typed, checked, and free of I/O."""

from diaspora_infra.config.host.host import Host, Machine
from diaspora_infra.config.loader.load import load, load_provisioning, load_stack, load_written
from diaspora_infra.config.loader.stack_file import StackFile, account_problems, add_region, parse_stack_file
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import ConfigError, Problem
from diaspora_infra.config.provisioning.server import Provisioning, ProvisioningSettings
from diaspora_infra.config.pxe.pxe import Matchbox, Pxe, PxeMachine, Release
from diaspora_infra.config.secrets import NAMESPACE, SECRET_KEYS, SECRETS, needed_secrets
from diaspora_infra.config.settings import AwsSettings, IgnitionSettings, PxeSettings, Settings, WrittenSettings
from diaspora_infra.config.types import Architecture, Stream, Target

__all__ = [
    "NAMESPACE",
    "SECRETS",
    "SECRET_KEYS",
    "Architecture",
    "AwsSettings",
    "ConfigError",
    "Host",
    "IgnitionSettings",
    "Machine",
    "Matchbox",
    "Pod",
    "Problem",
    "Provisioning",
    "ProvisioningSettings",
    "Pxe",
    "PxeMachine",
    "PxeSettings",
    "Release",
    "Settings",
    "StackFile",
    "Stream",
    "Target",
    "WrittenSettings",
    "account_problems",
    "add_region",
    "load",
    "load_provisioning",
    "load_stack",
    "load_written",
    "needed_secrets",
    "parse_stack_file",
]
