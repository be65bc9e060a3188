"""The pod on AWS: one component a subject, each of use alone, and AwsPod, which puts them together."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from diaspora_infra.config import Architecture, Stream

if TYPE_CHECKING:
    from diaspora_infra.aws.alerts import Alerts, AlertsArgs
    from diaspora_infra.aws.arguments import ArgumentError
    from diaspora_infra.aws.aws_pod import AwsPod, AwsPodArgs
    from diaspora_infra.aws.backups import Backups, BackupsArgs
    from diaspora_infra.aws.budget import Budget, BudgetArgs
    from diaspora_infra.aws.bundle import Bundle, BundleArgs
    from diaspora_infra.aws.cache import Cache, CacheArgs
    from diaspora_infra.aws.certificate import Certificate, CertificateArgs
    from diaspora_infra.aws.database import Database, DatabaseArgs, DatabaseEngine
    from diaspora_infra.aws.dns import Dns, DnsArgs, DnsRecord
    from diaspora_infra.aws.http_api import HttpApi, HttpApiArgs
    from diaspora_infra.aws.image_build import BuiltImageArgs, ImageBuild, ImageBuildArgs
    from diaspora_infra.aws.images import ImageArgs
    from diaspora_infra.aws.load_balancer import LoadBalancer, LoadBalancerArgs
    from diaspora_infra.aws.machine import Machine, MachineArgs, ShellEndpointArgs
    from diaspora_infra.aws.machine_group import MachineGroup, MachineGroupArgs
    from diaspora_infra.aws.mail import Mail, MailArgs, MailRecord
    from diaspora_infra.aws.network import Network, NetworkArgs
    from diaspora_infra.aws.parameters import Parameters, ParametersArgs
    from diaspora_infra.aws.security_groups import Edge, SecurityGroups, SecurityGroupsArgs, ShellAccess
    from diaspora_infra.aws.uploads import Uploads, UploadsArgs

__all__ = [
    "Alerts",
    "AlertsArgs",
    "Architecture",
    "ArgumentError",
    "AwsPod",
    "AwsPodArgs",
    "Backups",
    "BackupsArgs",
    "Budget",
    "BudgetArgs",
    "BuiltImageArgs",
    "Bundle",
    "BundleArgs",
    "Cache",
    "CacheArgs",
    "Certificate",
    "CertificateArgs",
    "Database",
    "DatabaseArgs",
    "DatabaseEngine",
    "Dns",
    "DnsArgs",
    "DnsRecord",
    "Edge",
    "HttpApi",
    "HttpApiArgs",
    "ImageArgs",
    "ImageBuild",
    "ImageBuildArgs",
    "LoadBalancer",
    "LoadBalancerArgs",
    "Machine",
    "MachineArgs",
    "MachineGroup",
    "MachineGroupArgs",
    "Mail",
    "MailArgs",
    "MailRecord",
    "Network",
    "NetworkArgs",
    "Parameters",
    "ParametersArgs",
    "SecurityGroups",
    "SecurityGroupsArgs",
    "ShellAccess",
    "ShellEndpointArgs",
    "Stream",
    "Uploads",
    "UploadsArgs",
]

_MODULES = {
    "Alerts": "alerts",
    "AlertsArgs": "alerts",
    "ArgumentError": "arguments",
    "AwsPod": "aws_pod",
    "AwsPodArgs": "aws_pod",
    "Backups": "backups",
    "BackupsArgs": "backups",
    "Budget": "budget",
    "BudgetArgs": "budget",
    "BuiltImageArgs": "image_build",
    "Bundle": "bundle",
    "BundleArgs": "bundle",
    "Cache": "cache",
    "CacheArgs": "cache",
    "Certificate": "certificate",
    "CertificateArgs": "certificate",
    "Database": "database",
    "DatabaseArgs": "database",
    "DatabaseEngine": "database",
    "Dns": "dns",
    "DnsArgs": "dns",
    "DnsRecord": "dns",
    "Edge": "security_groups",
    "HttpApi": "http_api",
    "HttpApiArgs": "http_api",
    "ImageArgs": "images",
    "ImageBuild": "image_build",
    "ImageBuildArgs": "image_build",
    "LoadBalancer": "load_balancer",
    "LoadBalancerArgs": "load_balancer",
    "Machine": "machine",
    "MachineArgs": "machine",
    "MachineGroup": "machine_group",
    "MachineGroupArgs": "machine_group",
    "Mail": "mail",
    "MailArgs": "mail",
    "MailRecord": "mail",
    "Network": "network",
    "NetworkArgs": "network",
    "Parameters": "parameters",
    "ParametersArgs": "parameters",
    "SecurityGroups": "security_groups",
    "SecurityGroupsArgs": "security_groups",
    "ShellAccess": "security_groups",
    "ShellEndpointArgs": "machine",
    "Uploads": "uploads",
    "UploadsArgs": "uploads",
}


if not TYPE_CHECKING:  # a type checker reports a misspelt name only where it does not see this

    def __getattr__(name: str) -> Any:
        """Import what is asked for: the provider's package is slow to import."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
