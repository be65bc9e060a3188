"""The types of the tables: fresh, and of one mind with the models."""

import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from diaspora_infra import tables
from diaspora_infra.config import Host, Machine, Pod, Provisioning, Pxe
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.problems import fields_of, model_in
from generators.tables import ROOTS, Key, ListOf, MapOf, Plain, Reference, Table, settings_tables
from generators.typed_tables import class_name, tables_text
from tests.support.golden import Golden

PROJECT = Path(__file__).resolve().parent.parent.parent
MODELS = (Pod, Host, Machine, Pxe, Aws, Provisioning)

# the components that take them have a name of their own
NAMED_AFTER_THE_COMPONENT = {Machine, Provisioning}


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    inner = {model_in(field.annotation) for field in model.model_fields.values()} - {None}
    return {model}.union(*(models(each) for each in inner if each))


EVERY_MODEL = sorted(set().union(*map(models, MODELS)), key=lambda model: model.__name__)


def test_the_types_are_fresh(golden: Golden) -> None:
    golden.check(PROJECT / "diaspora_infra" / "tables.py", tables_text())


def test_every_model_has_a_type_and_every_type_a_model() -> None:
    assert tables.__all__ == sorted(class_name(model.__name__) for model in EVERY_MODEL)
    assert tuple(model.__name__ for model in MODELS) == ROOTS


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_a_type_has_the_keys_of_its_model(model: type[BaseModel]) -> None:
    table = getattr(tables, class_name(model.__name__))
    fields = fields_of(model)
    required = {key for key, field in fields.items() if field.is_required()}
    if model in NAMED_AFTER_THE_COMPONENT:
        required.discard("name")
    assert table.__required_keys__ == required
    assert table.__optional_keys__ == fields.keys() - required


def test_a_table_stands_behind_those_that_it_contains() -> None:
    seen: set[str] = set()
    for table in settings_tables():
        for key in table.keys:
            inner = key.type
            while isinstance(inner, ListOf | MapOf):
                inner = inner.item if isinstance(inner, ListOf) else inner.value
            assert not isinstance(inner, Reference) or inner.table in seen, f"{table.name}.{key.name}"
        seen.add(table.name)


def table(name: str) -> Table:
    return next(each for each in settings_tables() if each.name == name)


def key(name: str, of: str) -> Key:
    return next(each for each in table(of).keys if each.name == name)


def test_keys_keep_what_a_language_can_say() -> None:
    port = key("port", "OpenPort")
    assert (port.type, port.required, port.nullable) == (Plain.INTEGER, True, False)
    sources = key("from", "OpenPort")
    assert (sources.type, sources.required, sources.nullable) == (ListOf(Plain.TEXT), False, True)
    protocol = key("protocol", "OpenPort")
    assert (protocol.words, protocol.default) == (("tcp", "udp"), "tcp")
    assert key("open", "Firewall").type == ListOf(Reference("OpenPort"))
    assert key("tags", "Aws").type == MapOf(Plain.TEXT)
    assert key("minAcu", "AwsDatabase").type == Plain.NUMBER
    assert key("networks", "Machine").type == MapOf(MapOf(MapOf(Plain.ANY)))
    assert key("architecture", "Machine").words == ("x86_64", "aarch64")
    assert key("days", "UpdateWindow").words[0] == "Mon"
    assert (key("guestAgent", "Host").default, key("memoryMib", "Host").default) == ("false", "2048")


def test_only_keyfiles_take_any_value() -> None:
    hints = {name: typing.get_type_hints(getattr(tables, name)) for name in tables.__all__}
    loose = {f"{name}.{key}" for name, keys in hints.items() for key, hint in keys.items() if "Any" in str(hint)}
    assert loose == {"MachineTable.networks", "ProvisioningTable.networks", "PxeMachineTable.networks"}
