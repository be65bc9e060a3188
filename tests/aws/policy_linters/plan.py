"""The resources of a stack as the JSON of a Terraform plan, which checkov reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.aws.bridge.resource import Resource
from lab.aws.bridge.shapes import Field, Many, Record, Shape, Table
from lab.aws.bridge.terraform import TerraformProvider
from lab.aws.bridge.types import RESOURCES
from lab.aws.bridge.values import plain
from tests.aws.rules import Asked
from tools import tool_path

PROVIDER = "registry.terraform.io/hashicorp/aws"
Schemas = Mapping[str, Any]


def schemas(folder: Path) -> Schemas:
    """Schemas of all resources of the Terraform provider, by its names."""
    with (folder / "provider.log").open("w", encoding="utf-8") as log:
        provider = TerraformProvider(tool_path("terraform-provider-aws"), {}, log)
        try:
            found: Schemas = provider.schema(folder / "schema").resource_schemas
        finally:
            provider.process.kill()
            provider.process.communicate()
    return found


def address(resource: Asked) -> str:
    """Terraform's name of a resource."""
    return f"{RESOURCES[resource.token]}.{resource.name.replace('-', '_')}"


def plan(resources: Iterable[Asked], known: Schemas) -> dict[str, Any]:
    """The plan that makes all of them. A property that another resource had a part in refers to that resource."""
    made = list(resources)
    addresses = {resource.urn: address(resource) for resource in made}
    values, changes, configuration = [], [], []
    for resource in made:
        kind = Resource.of(resource.token, known)
        after = _shown(kind.record, kind.config(plain(dict(resource.inputs))))
        base = {
            "address": address(resource),
            "mode": "managed",
            "type": kind.terraform,
            "name": address(resource).partition(".")[2],
        }
        values.append({**base, "provider_name": PROVIDER, "schema_version": kind.version, "values": after})
        change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {}}
        changes.append({**base, "provider_name": PROVIDER, "change": change})
        names = {field.pulumi: field.terraform for field in kind.record.fields.values()}
        references = {
            names[name]: {"references": [each for urn in urns if urn in addresses for each in _parts(addresses[urn])]}
            for name, urns in resource.depends.items()
            if name in names
        }
        configuration.append({**base, "provider_config_key": "aws", "expressions": references})
    return {
        "format_version": "1.2",
        "terraform_version": "1.12.0",
        "planned_values": {"root_module": {"resources": values}},
        "resource_changes": changes,
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "full_name": PROVIDER}},
            "root_module": {"resources": configuration},
        },
    }


def _parts(other: str) -> list[str]:
    return [f"{other}.id", other]


def _shown(shape: Shape, value: Any) -> Any:
    """A Terraform value as a plan shows it: what is unset is there, what the provider finds out itself is not."""
    if isinstance(shape, Record) and isinstance(value, dict):
        fields = [field for field in shape.fields.values() if not _found_out(field, value.get(field.terraform))]
        return {field.terraform: _shown(field.shape, value.get(field.terraform)) for field in fields}
    if isinstance(shape, Many) and isinstance(value, list):
        return [_shown(shape.element, each) for each in value]
    if isinstance(shape, Table) and isinstance(value, dict):
        return {key: _shown(shape.element, each) for key, each in value.items()}
    return value


def _found_out(field: Field, value: Any) -> bool:
    return (field.computed and value is None) or (field.block and value == [])
