"""The `pod.monitoring` key: metrics of the machine and its containers, for Prometheus."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem, refused
from diaspora_infra.config.types import Form

_ADDRESS = "an IPv4 address of the machine, such as 127.0.0.1 or 192.0.2.10"


def _address(value: str) -> str:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError(refused(value, _ADDRESS)) from None
    return value


Address = Annotated[str, Form("[0-9]{1,3}(?:[.][0-9]{1,3}){3}", _ADDRESS), AfterValidator(_address)]


class Monitoring(Model):
    """Exporters for Prometheus, without a password. `host.firewall.open` opens their ports."""

    node_exporter: bool = False
    """Metrics of the machine, on port 9100."""
    podman_exporter: bool = False
    """Metrics of the containers, on port 9882. The exporter uses podman's socket, which is equivalent to root: see
    docs/monitoring.md."""
    listen: Address = "127.0.0.1"
    """Address of the machine on which the exporters listen."""


def check_monitoring(settings: Monitoring) -> list[Problem]:
    """An address without an exporter."""
    if settings.node_exporter or settings.podman_exporter or "listen" not in settings.model_fields_set:
        return []
    return [Problem("pod.monitoring.listen", "only used with nodeExporter or podmanExporter; remove it")]
