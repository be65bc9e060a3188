"""The generated JSON Schema and reference: up to date, complete, and consistent with the models."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from diaspora_infra.config import NAMESPACE, ConfigError, WrittenSettings, load, parse_stack_file
from diaspora_infra.config.model import descriptions
from diaspora_infra.config.problems import model_in
from generators.config_reference import INTRO, reference_text
from generators.config_schema import stack_schema, stack_schema_text
from tests.config.mistakes import GOOD, MISTAKES, changed
from tests.config.schema_errors import schema_errors, validator
from tests.support import configs
from tests.support.golden import Golden

PROJECT = Path(__file__).resolve().parent.parent.parent


def models(model: type[BaseModel] = WrittenSettings) -> set[type[BaseModel]]:
    inner = {model_in(field.annotation) for field in model.model_fields.values()} - {None}
    return {model}.union(*(models(nested) for nested in inner if nested))


def test_json_schema_file_matches_the_models(golden: Golden) -> None:
    golden.check(PROJECT / "docs" / "config.schema.json", stack_schema_text())


def test_reference_page_matches_the_models(golden: Golden) -> None:
    golden.check(PROJECT / "docs" / "config.md", reference_text())


def test_json_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(stack_schema())


@pytest.mark.parametrize("change", GOOD)
def test_json_schema_accepts_every_valid_config(change: dict[str, Any]) -> None:
    assert schema_errors(changed(configs.pxe_config(), change)) == []


@pytest.mark.parametrize(("change", "line", "seen"), MISTAKES)
def test_json_schema_finds_mistakes_that_a_schema_can_express(change: dict[str, Any], line: str, seen: bool) -> None:
    assert bool(schema_errors(changed(configs.pxe_config(), change))) is seen, line


def test_json_schema_requires_encrypted_secrets() -> None:
    assert schema_errors(configs.pxe_config(smtpPassword={"secure": "v1:x"})) == []
    assert schema_errors(configs.pxe_config(smtpPassword="plain"))


def test_key_pxe_is_required_only_for_target_pxe() -> None:
    assert schema_errors(configs.ignition_config()) == []
    assert schema_errors(configs.ignition_config(target="pxe")) == [f"'{NAMESPACE}:pxe' is a required property"]


def test_keys_of_other_namespaces_are_ignored() -> None:
    config = {f"{NAMESPACE}:{key}": value for key, value in configs.pxe_config().items()}
    assert validator().is_valid({"config": config | {"aws:region": "eu-west-1"}, "encryptionsalt": "v1:x"})
    assert not validator().is_valid({"config": config | {f"{NAMESPACE}:hosts": {}}})
    assert not validator().is_valid({"config": config, f"{NAMESPACE}:ignition": {}})


def test_every_field_and_model_has_a_description() -> None:
    for model in models():
        assert (model.__doc__ or "").strip(), model
        for name in model.model_fields:
            assert descriptions(model)[name].strip().endswith((".", ")")), f"{model.__name__}.{name}"


def test_defaults_are_what_the_checks_give() -> None:
    """Those of tables are made without them."""
    optional = [model for model in models() if not any(field.is_required() for field in model.model_fields.values())]
    assert len(optional) > 30
    for model in optional:
        assert model() == model.model_construct(), model


def test_every_property_of_json_schema_has_a_description() -> None:
    schema = stack_schema()

    def check(part: dict[str, Any], path: str) -> None:
        for name, value in part.get("properties", {}).items():
            target = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
            section = "properties" in value  # the sections of a keyfile speak for themselves
            assert section or value.get("description") or target.get("description"), f"{path}.{name}"
            check(value, f"{path}.{name}")

    for name, part in schema["$defs"].items():
        check(part, name)
    check(schema, "")


def test_descriptions_have_no_line_breaks_or_double_spaces() -> None:
    texts = re.findall(r'"description": "((?:[^"\\]|\\.)*)"', stack_schema_text())
    assert len(texts) > 100
    assert [text for text in texts if "\\n" in text or "  " in text] == []


def test_every_default_in_json_schema_is_valid() -> None:
    schema = stack_schema()
    for name, definition in schema["$defs"].items():
        for key, part in definition.get("properties", {}).items():
            if "default" in part:
                found = validator().evolve(schema=part | {"$defs": schema["$defs"]}).iter_errors(part["default"])
                assert [error.message for error in found] == [], f"{name}.{key}"


@pytest.mark.parametrize("text", [INTRO, (PROJECT / "Pulumi.dev.yaml").read_text(encoding="utf-8")])
def test_examples_are_valid(text: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) or [text]
    file = parse_stack_file(example)
    assert load(file.values, file.secrets).machines[0].name == "pod1"
    assert [error.message for error in validator().iter_errors(yaml.safe_load(example))] == []


def test_messages_in_reference_are_those_of_load() -> None:
    machines = [configs.machine(1, mac="52:54:00:a1:9c:ae"), configs.machine(2, mac="52:54:00:a1:9c:ae")]
    admin = configs.pod()["admin"] | {"nickname": "x"}
    values = configs.pxe_config(
        pod=configs.pod(admin=admin), host=configs.host(storage={"rootGib": 4}), pxe=configs.pxe(*machines)
    )
    with pytest.raises(ConfigError) as caught:
        load(values)
    (shown,) = re.findall(r"```text\n(.*?)\n```", INTRO, re.DOTALL)
    assert str(caught.value) == shown


def test_every_key_of_the_models_is_in_reference() -> None:
    text = reference_text()
    for model in models() - {WrittenSettings}:
        for field in model.model_fields.values():
            assert f"| `{field.alias}` |" in text


def test_every_link_in_reference_points_to_a_heading() -> None:
    text = reference_text()
    anchors = {re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert len(links) > 20
    assert set(links) <= anchors


def test_json_schema_text_is_valid_json() -> None:
    assert json.loads(stack_schema_text()) == stack_schema()
