"""The pod on AWS: one component a subject, each of use alone, and AwsPod, which puts them together."""

from diaspora_infra.aws.network import Network, NetworkArgs

__all__ = ["Network", "NetworkArgs"]
