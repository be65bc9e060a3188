"""Who reaches whom, in a small account made by hand: each way that somebody could open is seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.aws.account import Account
from tests.aws.account_client import may_reach
from tests.aws.reachability import on_the_internet, reaches
from tests.support.aws_stack import AwsStack

CLOSED = {
    ("link", "machine", "80"),
    ("endpoint", "machine", "22"),
    ("machine", "database", "5432"),
    ("machine", "internet", "all"),
    ("machine", "S3", "443"),
}


@dataclass
class Made:
    """The account, and ids in it by name."""

    stack: AwsStack
    ids: dict[str, str]
    undo: list[Callable[[], Any]] = field(default_factory=list)
    """What makes it again what it was."""

    @property
    def ec2(self) -> Any:
        return self.stack.client("ec2")

    def let_in(self, group: str, port: int, **peer: Any) -> None:
        """Let a network or a group reach a port."""
        self.permit(group, "ingress", {"FromPort": port, "ToPort": port, **peer})

    def let_out(self, group: str, port: int, **peer: Any) -> None:
        """Let a group reach a port of a network or a group."""
        self.permit(group, "egress", {"FromPort": port, "ToPort": port, **peer})

    def permit(self, group: str, way: str, permission: dict[str, Any]) -> None:
        named = {"GroupId": self.ids[group], "IpPermissions": [{"IpProtocol": "tcp", **permission}]}
        getattr(self.ec2, f"authorize_security_group_{way}")(**named)
        self.undo.append(lambda: getattr(self.ec2, f"revoke_security_group_{way}")(**named))

    def route(self, table: str) -> None:
        """Lead a table's subnets to the internet gateway."""
        named = {"RouteTableId": self.ids[table], "DestinationCidrBlock": "0.0.0.0/0"}
        self.ec2.create_route(GatewayId=self.ids["gateway"], **named)
        self.undo.append(lambda: self.ec2.delete_route(**named))


def network(cidr: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": cidr}]}


def group(made: Made, name: str) -> dict[str, Any]:
    return {"UserIdGroupPairs": [{"GroupId": made.ids[name]}]}


@pytest.fixture(scope="module")
def closed(account_server: Account, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A machine in a public subnet, and link, endpoint and database in private ones."""
    account_server.reset()
    made = Made(AwsStack(account_server, tmp_path_factory.mktemp("account")), {})
    ec2, ids = made.ec2, made.ids
    ids["vpc"] = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ids["gateway"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=ids["gateway"], VpcId=ids["vpc"])
    for number, name in enumerate(("public", "private-a", "private-b")):
        zone, block = "eu-west-1b" if number == 2 else "eu-west-1a", f"10.0.{number}.0/24"
        made_subnet = ec2.create_subnet(VpcId=ids["vpc"], CidrBlock=block, AvailabilityZone=zone)
        ids[name] = made_subnet["Subnet"]["SubnetId"]
    for table, subnets in {"out": ["public"], "in": ["private-a", "private-b"]}.items():
        ids[table] = ec2.create_route_table(VpcId=ids["vpc"])["RouteTable"]["RouteTableId"]
        for subnet in subnets:
            ec2.associate_route_table(RouteTableId=ids[table], SubnetId=ids[subnet])
    made.route("out")
    _endpoint_of_s3(made)
    _groups(made)
    _things(made)
    return made


@pytest.fixture
def made(closed: Made) -> Iterator[Made]:
    """The account, which is closed again after the test."""
    closed.undo.clear()
    yield closed
    for undo in reversed(closed.undo):
        undo()
    assert reaches(closed.stack) == CLOSED


def _endpoint_of_s3(made: Made) -> None:
    endpoint = made.ec2.create_vpc_endpoint(
        VpcId=made.ids["vpc"],
        ServiceName="com.amazonaws.eu-west-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[made.ids["out"], made.ids["in"]],
    )
    made.ids["s3"] = endpoint["VpcEndpoint"]["VpcEndpointId"]


def _groups(made: Made) -> None:
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    for name in ("machine", "link", "endpoint", "database"):
        tags = [{"Key": "Pod", "Value": "pod.example.org"}, {"Key": "Name", "Value": name}]
        answer = made.ec2.create_security_group(
            GroupName=name,
            Description=name,
            VpcId=made.ids["vpc"],
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
        made.ids[name] = answer["GroupId"]
        if name != "machine":
            made.ec2.revoke_security_group_egress(GroupId=answer["GroupId"], IpPermissions=[everything])
    for source, port in (("link", 80), ("endpoint", 22)):
        made.let_in("machine", port, **group(made, source))
        made.let_out(source, port, **group(made, "machine"))
    made.let_in("database", 5432, **group(made, "machine"))


def _things(made: Made) -> None:
    ids, ec2 = made.ids, made.ec2
    interface = {
        "DeviceIndex": 0,
        "SubnetId": ids["public"],
        "Groups": [ids["machine"]],
        "AssociatePublicIpAddress": True,
    }
    machine = ec2.run_instances(
        ImageId="ami-0a0c0de5000000a64",
        InstanceType="t4g.micro",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[interface],
    )
    ids["instance"] = machine["Instances"][0]["InstanceId"]
    private = [ids["private-a"], ids["private-b"]]
    link = {"Name": "link", "SubnetIds": private, "SecurityGroupIds": [ids["link"]]}
    made.stack.client("apigatewayv2").create_vpc_link(**link)
    ec2.create_instance_connect_endpoint(SubnetId=private[0], SecurityGroupIds=[ids["endpoint"]])
    rds = made.stack.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="pod", DBSubnetGroupDescription="x", SubnetIds=private)
    rds.create_db_cluster(
        DBClusterIdentifier="pod",
        Engine="aurora-postgresql",
        MasterUsername="diaspora",
        MasterUserPassword="password-of-the-test",
        DBSubnetGroupName="pod",
        VpcSecurityGroupIds=[ids["database"]],
    )
    rds.create_db_instance(
        DBInstanceIdentifier="pod-1",
        DBClusterIdentifier="pod",
        DBInstanceClass="db.serverless",
        Engine="aurora-postgresql",
        PubliclyAccessible=False,
    )


def world_on_ssh(made: Made) -> None:
    made.let_in("machine", 22, **network("0.0.0.0/0"))


def every_port_for_a_network(made: Made) -> None:
    made.permit("machine", "ingress", {"FromPort": 0, "ToPort": 65535, **network("198.51.100.0/24")})


def a_link_to_the_database(made: Made) -> None:
    made.let_in("database", 5432, **network("10.0.0.0/16"))
    made.let_out("link", 5432, **network("10.0.0.0/16"))


def an_endpoint_to_every_port(made: Made) -> None:
    made.let_in("machine", 443, **group(made, "endpoint"))
    made.let_out("endpoint", 443, **network("0.0.0.0/0"))


def a_machine_that_lets_the_vpc_in(made: Made) -> None:
    made.let_in("machine", 22, **network("10.0.0.0/8"))
    made.let_out("link", 22, **group(made, "machine"))


def a_public_database(made: Made) -> None:
    rds = made.stack.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier="pod-1", PubliclyAccessible=True)
    made.undo.append(lambda: rds.modify_db_instance(DBInstanceIdentifier="pod-1", PubliclyAccessible=False))
    made.let_in("database", 5432, **network("0.0.0.0/0"))
    made.route("in")


def a_group_too_many(made: Made) -> None:
    open_group = made.ec2.create_security_group(GroupName="o", Description="o", VpcId=made.ids["vpc"])["GroupId"]
    made.ids["open"] = open_group
    made.let_in("open", 8080, **network("0.0.0.0/0"))
    own, machine = [made.ids["machine"]], made.ids["instance"]
    made.ec2.modify_instance_attribute(InstanceId=machine, Groups=[*own, open_group])
    made.undo.append(lambda: made.ec2.modify_instance_attribute(InstanceId=machine, Groups=own))


def no_endpoint_of_s3(made: Made) -> None:
    made.ec2.delete_vpc_endpoints(VpcEndpointIds=[made.ids["s3"]])
    made.undo.append(lambda: _endpoint_of_s3(made))


def no_way_out(made: Made) -> None:
    made.ec2.delete_route(RouteTableId=made.ids["out"], DestinationCidrBlock="0.0.0.0/0")
    made.undo.append(lambda: made.route("out"))


SEEN: list[tuple[Callable[[Made], None], set[Any], set[Any]]] = [
    (world_on_ssh, {("internet", "machine", "22")}, set()),
    (every_port_for_a_network, {("198.51.100.0/24", "machine", "0 to 65535")}, set()),
    (a_link_to_the_database, {("link", "database", "5432")}, set()),
    (an_endpoint_to_every_port, {("endpoint", "machine", "443"), ("endpoint", "S3", "443")}, set()),
    (a_machine_that_lets_the_vpc_in, {("10.0.0.0/8", "machine", "22"), ("link", "machine", "22")}, set()),
    (a_public_database, {("internet", "database", "5432")}, set()),
    (a_group_too_many, {("internet", "machine", "8080")}, set()),
    (no_endpoint_of_s3, set(), {("machine", "S3", "443")}),
    (no_way_out, set(), {("machine", "internet", "all")}),
]


def test_closed_account_has_only_the_expected_paths(made: Made) -> None:
    assert reaches(made.stack) == CLOSED
    assert on_the_internet(made.stack) == {"machine"}


@pytest.mark.parametrize(("fault", "more", "less"), SEEN, ids=lambda each: getattr(each, "__name__", ""))
def test_each_opened_path_is_detected(
    made: Made, fault: Callable[[Made], None], more: set[Any], less: set[Any]
) -> None:
    fault(made)
    assert reaches(made.stack) == (CLOSED | more) - less


def test_internet_route_is_detected_behind_closed_groups(made: Made) -> None:
    made.route("in")
    assert reaches(made.stack) == CLOSED
    assert on_the_internet(made.stack) == {"machine", "link", "endpoint", "database"}


def test_open_group_is_detected_without_a_route(made: Made) -> None:
    before = may_reach(made.stack)
    made.let_in("link", 80, **network("0.0.0.0/0"))
    # nobody outside comes to a link that has no address there, but the machine does
    assert reaches(made.stack) == CLOSED | {("machine", "link", "80")}
    assert may_reach(made.stack) - before == {("internet", "link", "80")}


def test_main_route_table_applies_to_subnets_without_their_own(made: Made) -> None:
    tables = made.ec2.describe_route_tables(RouteTableIds=[made.ids["in"]])["RouteTables"]
    for each in tables[0]["Associations"]:
        made.ec2.disassociate_route_table(AssociationId=each["RouteTableAssociationId"])
        again = {"RouteTableId": made.ids["in"], "SubnetId": each["SubnetId"]}
        made.undo.append(lambda again=again: made.ec2.associate_route_table(**again))
    main = [{"Name": "vpc-id", "Values": [made.ids["vpc"]]}, {"Name": "association.main", "Values": ["true"]}]
    (table,) = made.ec2.describe_route_tables(Filters=main)["RouteTables"]
    made.ids["main"] = table["RouteTableId"]
    made.route("main")
    assert on_the_internet(made.stack) == {"machine", "link", "endpoint", "database"}
