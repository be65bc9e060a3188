"""Mistakes of importers of the AWS components, each on a line of its own."""

import pulumi

from diaspora_infra.aws import AwsPod, Database, Edge, HttpApi, Machine, Network, SecurityGroups, ShellAccess, Uploads
from diaspora_infra.aws import Entrance as Former  # mistake
from diaspora_infra.tables import AwsTable

__all__ = ["Former"]

aws: AwsTable = {"region": "eu-west-1", "dns": {"zone": "example.org"}}

a_misspelt_key_inside: AwsTable = {"region": "eu-west-1", "instance": {"dataGiB": 20}}  # mistake
a_missing_region: AwsTable = {"size": "minimal"}  # mistake

network = Network("a", {"zones": [1, 2]})  # mistake
groups = SecurityGroups("b", {"vpc_id": network.vpc_id, "edge": 80, "shell_access": ShellAccess.NONE})  # mistake
Uploads("c", {"protected": True})  # mistake
Database("d", {"subnet_ids": [], "security_group_ids": [], "max_acu": "two"})  # mistake
Machine("e", {"zone": "eu-west-1b"})  # mistake
HttpApi("f", {"domain": "pod.example.org", "dns": network})  # mistake

pod = AwsPod("g", {"aws": aws, "secret": {"backupPassword": "x"}})  # mistake
address: pulumi.Output[int] = pod.public_ip  # mistake
pod.outputs["url"]  # mistake
pulumi.export("api", pod.http_api.api_id)  # mistake
pulumi.export("edge", Edge.BOTH)  # mistake
