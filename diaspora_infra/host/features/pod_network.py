"""The network of the pod's containers."""

import ipaddress

from diaspora_infra.config import Pod
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def gateway(pod: Pod) -> str:
    """First address of the pod network: the machine itself, and podman's name server."""
    return str(ipaddress.IPv4Network(pod.subnet)[1])


def pod_network(context: PodContext) -> Fragment:
    """Make the network `diaspora`."""
    pod = context.pod
    return render_tree("pod_network", subnet=pod.subnet, gateway=gateway(pod))
