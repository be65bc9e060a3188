"""Pictures of a pod on AWS, drawn from the resources that AwsPod registers."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.aws.mock_account import Made, MockAccount

_ACRONYMS = {"Api": "API", "Vpc": "VPC", "Iam": "IAM"}


def block(lines: Iterable[str]) -> str:
    """Mermaid lines as a block of Markdown."""
    return "\n".join(["```mermaid", *lines, "```"])


def put_into(page: str, name: str, picture: str) -> str:
    """The page with a picture between the marks of this name."""
    begin, end = f"<!-- picture: {name} -->\n", "<!-- end of picture -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{picture}\n{end}{after}"


def parts(account: MockAccount) -> list[str]:
    """The components, their resources, and their dependencies."""
    made = {resource.urn: resource for resource in account.made}
    home = {urn: _component(resource, made) for urn, resource in made.items()}
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    needs: dict[str, set[str]] = defaultdict(set)
    for urn, resource in made.items():
        place = home[urn]
        if place is None or not resource.custom:
            continue
        kinds[place][_words(resource.kind)] += 1
        for needed in _needed(resource):
            other = home.get(needed)
            if other not in {None, place}:
                needs[place].add(str(other))
    lines = ["flowchart LR"]
    order = sorted(kinds)
    for place in order:
        # the settings of a bucket are resources of their own
        found = sorted((kind, count) for kind, count in kinds[place].items() if not kind.startswith("bucket "))
        things = [f"{count} {kind}s".replace("ys", "ies") if count > 1 else kind for kind, count in found]
        lines.append(f'    {place}["<b>{place}</b><br/>{"<br/>".join(_in_threes(things))}"]')
    lines += [f"    {needed} --> {place}" for place, needed in _edges(needs, order)]
    return lines


def reach(account: MockAccount) -> list[str]:
    """Who may reach whom: security group rules, the ways in, and the subnets in which all this lies."""
    made = [resource for resource in account.made if resource.custom]
    owner = {
        group: resource.kind
        for resource in made
        if resource.kind in _TITLES
        for key in ("securityGroupIds", "vpcSecurityGroupIds")
        for group in resource.inputs.get(key, ())
    }
    (vpc,) = account.of("Vpc")
    lines = [
        "flowchart LR",
        '    visitors(["browsers and other pods"])',
        '    podmin(["podmin, with credentials of AWS"])',
        '    internet(["internet"])',
        '    Api["HTTP API, with the domain and its certificate"]',
        f'    subgraph vpc["VPC {vpc.inputs["cidrBlock"]}"]',
    ]
    places = _places(made)
    for subnet in sorted({*places.values()}, reverse=True):
        lines.append(f'        subgraph {subnet}["{subnet} subnet{"" if subnet == "public" else "s"}"]')
        lines += [f'            {kind}["{_TITLES[kind]}"]' for kind in sorted(places) if places[kind] == subnet]
        lines.append("        end")
    lines.append("    end")
    buckets = sorted(resource.name.partition("-")[2] for resource in account.of("Bucket"))
    lines.append(f'    s3[("S3: {", ".join(buckets)}")]')
    lines += ["    visitors -- HTTPS --> Api", "    podmin -- SSH --> InstanceConnectEndpoint"]
    lines += [
        f"    Api --> {kind}" for kind in places if any(_uses(resource, kind) for resource in account.of("Integration"))
    ]
    lines += sorted(set(_rules(made, owner)))
    lines += ["    Instance -- gateway endpoint --> s3" for resource in account.of("VpcEndpoint")]
    return lines


_TITLES = {
    "Instance": "machine",
    "VpcLink": "VPC link",
    "Cluster": "Aurora PostgreSQL",
    "InstanceConnectEndpoint": "EC2 Instance Connect Endpoint",
}


def _rules(made: list[Made], owner: dict[str, str]) -> Iterator[str]:
    """Arrows for the rules that let something in, and for unrestricted outgoing traffic."""
    for rule in made:
        inputs = rule.inputs
        if rule.kind == "SecurityGroupIngressRule":
            source = owner.get(inputs.get("referencedSecurityGroupId", ""), "internet")
            yield f"    {source} -- port {int(inputs['fromPort'])} --> {owner[inputs['securityGroupId']]}"
        elif rule.kind == "SecurityGroupEgressRule" and "referencedSecurityGroupId" not in inputs:
            yield f"    {owner[inputs['securityGroupId']]} --> internet"


def _places(made: list[Made]) -> dict[str, str]:
    """The kind of subnet of each resource, from the subnets that the resource names."""
    groups = {
        f"subnetgroup-{resource.name}": resource.inputs["subnetIds"]
        for resource in made
        if resource.kind == "SubnetGroup"
    }
    groups |= {resource.name: resource.inputs["subnetIds"] for resource in made if resource.kind == "SubnetGroup"}
    found = {}
    for resource in made:
        if resource.kind not in _TITLES or resource.token.startswith("aws:servicediscovery"):
            continue
        inputs = resource.inputs
        subnets = inputs.get("subnetIds") or groups.get(inputs.get("dbSubnetGroupName", "")) or [inputs["subnetId"]]
        found[resource.kind] = "public" if all("public" in subnet for subnet in subnets) else "private"
    return found


def _uses(integration: Made, kind: str) -> bool:
    return str(integration.inputs.get("connectionId", "")).startswith(kind.lower())


def _component(resource: Made, made: dict[str, Made]) -> str | None:
    """The component of AwsPod to which a resource belongs, or AwsPod itself; none for resources outside of it."""
    place = None
    while (parent := made.get(resource.parent)) is not None:
        place = parent.kind if resource.custom or parent.kind != "AwsPod" else resource.kind
        resource = parent
    return place


def _needed(resource: Made) -> set[str]:
    found: set[str] = set(resource.request.dependencies)
    for value in resource.request.propertyDependencies.values():
        found |= set(value.urns)
    return found


def _edges(needs: dict[str, set[str]], order: list[str]) -> Iterator[tuple[str, str]]:
    """The direct dependencies of each component, without those that follow from others."""
    beyond: dict[str, set[str]] = {}

    def all_of(place: str) -> set[str]:
        if place not in beyond:
            beyond[place] = set()
            beyond[place] = set().union(*({needed} | all_of(needed) for needed in needs.get(place, ())))
        return beyond[place]

    for place in order:
        direct = needs.get(place, set())
        for needed in order:
            if needed in direct and not any(needed in all_of(other) for other in direct - {needed}):
                yield place, needed


def _in_threes(things: list[str]) -> Iterator[str]:
    for start in range(0, len(things), 3):
        yield ", ".join(things[start : start + 3])


def _words(name: str) -> str:
    """Words of a class name: "security group ingress rule"."""
    words = re.findall(r"[A-Z]?[a-z0-9]+", name)
    return " ".join(_ACRONYMS.get(word, word.lower()) for word in words)
