"""Whatever text the settings take adds no line, no argument and no key to what a machine gets."""

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from diaspora_infra.config import SECRET_KEYS, ConfigError, WrittenSettings, load, load_stack
from diaspora_infra.config.problems import Problem, fields_of, model_in
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.data_url import contents
from tests.config.mistakes import changed, steps
from tests.config.test_any_data import CONFIG
from tests.support import configs

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

Config = dict[str, Any]

PROBES = [
    "\"'`", "$(id)", "${HOME}", "%h", "%%n %i", "\\", "a\nb = 1", "-v", "a:b:ro", "a=b", "a,b;c", " # c", "| id && id",
    "[Service]", "{{ a }}{% b %}", "\t", "\0", "\u2028", "é" * 250, "x" * 10_000, "*", "!x",
]  # fmt: skip
_SAMPLES = [
    "sample", "a.example.org", "a@example.org", "https://a.example.org/b", "/a/b", "/dev/sdz", "localhost/a:1",
    "10.9.0.0/24", "10.9.0.1", "12:34", "120x20", "EUR", "a:1", "52:54:00:00:00:99", "c0123456789a", "core",
]  # fmt: skip


def texts(model: type[BaseModel], path: str) -> Iterator[str]:
    """Paths of all settings of a model that are text; of lists the first entry."""
    for key, field in fields_of(model).items():
        place = f"{path}.{key}"
        is_list = any(get_origin(kind) is list for kind in (field.annotation, *get_args(field.annotation)))
        if inner := model_in(field.annotation):
            yield from texts(inner, f"{place}[0]" if is_list else place)
        elif _is_text(field.annotation):
            yield f"{place}[0]" if is_list else place


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is dict:
        return False
    return annotation is str or any(_is_text(each) for each in get_args(annotation) if not isinstance(each, str))


def problems(values: Config) -> list[Problem]:
    try:
        load_stack(values, SECRET_KEYS) if values["target"] == "provisioning" else load(values, SECRET_KEYS)
    except ConfigError as error:
        return error.problems
    return []


def value_at(values: Any, path: str) -> Any:
    for step in steps(path):
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def first_good(values: Config, path: str, candidates: list[str]) -> Config | None:
    for candidate in candidates:
        trial = changed(values, {path: candidate})
        if not problems(trial):
            return trial
    return None


def take(values: Config, texts: dict[str, str]) -> tuple[Config, list[str]]:
    """Put in the texts that the config takes, all at once: it names those that it refuses. Returns their paths too."""
    while texts:
        trial = changed(values, texts)
        named = {problem.path for problem in problems(trial)}
        if not named:
            return trial, list(texts)
        good = {path: text for path, text in texts.items() if path not in named}
        if len(good) == len(texts):
            break
        texts = good
    taken = []
    for path, text in texts.items():  # a mistake that another key shows
        if trial := first_good(values, path, [text]):
            values = trial
            taken.append(path)
    return values, taken


TARGETS = {
    "pxe": (CONFIG, ("pod", "host", "pxe")),
    "aws": (
        {**configs.aws_config(region="eu-west-1", edge="direct", size="small"), "pod": CONFIG["pod"]},
        ("pod", "host", "aws"),
    ),
    "provisioning": (configs.provisioning_config(dhcp=configs.full_dhcp()), ("host", "provisioning")),
}
# lists and tables that the base leaves out, and what is a file on this computer
_WITHOUT = re.compile(r"snippet|Files?\b|matchbox\.[a-z]+File")


@cache
def base(target: str) -> tuple[Config, tuple[str, ...]]:
    """A config with a value for each text that goes together with the others, and the paths of these texts."""
    values, keys = TARGETS[target]
    found = []
    for key in keys:
        model = model_in(WrittenSettings.model_fields[key].annotation)
        assert model is not None
        for path in texts(model, key):
            if _WITHOUT.search(path):
                continue
            if value_at(values, path) is None:
                try:
                    trial = first_good(values, path, _SAMPLES)
                except (KeyError, IndexError, TypeError, AttributeError):
                    continue  # below a list or a table that is not there
                if trial is None:
                    continue
                values = trial
            found.append(path)
    return values, tuple(found)


def probed(target: str, probe: str) -> tuple[Config, list[str]]:
    """The base with the probe in each text that takes it, alone or beside what stands there; and where that is."""
    values, paths = base(target)
    now = {path: str(value_at(values, path)) for path in paths}
    taken: list[str] = []
    for place in ("{probe}", "{now}{probe}", "{start}{probe}{end}"):
        texts = {
            path: place.format(probe=probe, now=text, start=text[:-2], end=text[-2:])
            for path, text in now.items()
            if path not in taken
        }
        values, more = take(values, texts)
        taken += more
    return values, taken


def files(values: Config) -> list[tuple[str, str]]:
    """Path and text of everything that a machine gets."""
    secrets = dict.fromkeys(SECRET_KEYS, "secret")
    settings = load_stack(values, SECRET_KEYS) if values["target"] == "provisioning" else load(values, SECRET_KEYS)
    whole = unpack(json.loads(render(settings, settings.machines[0], secrets).ignition))
    found = [(node["path"], contents(node["contents"]).decode()) for node in whole["storage"]["files"]]
    for unit in whole["systemd"]["units"]:
        parts = [unit, *unit.get("dropins", ())]
        found += [(f"/{unit['name']}", part["contents"]) for part in parts if "contents" in part]
    return found


_UNIT = re.compile(r"\.(service|container|timer|mount|swap|target|path|network)$")


def shape(path: str, text: str) -> Any:
    """What no value may change in a file: lines, keys of TOML, arguments of units."""
    if path.endswith(".toml"):
        return keys(tomllib.loads(text))
    lines = text.split("\n")
    if not _UNIT.search(path) or "nginx" in path:
        return len(lines)
    return [_words(line) for line in lines]


def keys(table: Any) -> Any:
    return {key: keys(value) for key, value in table.items()} if isinstance(table, dict) else type(table).__name__


def _words(line: str) -> tuple[str, int]:
    key = line.partition("=")[0] if "=" in line else line.partition(" ")[0]
    try:
        return key, len(shlex.split(line, posix=False))
    except ValueError:
        return key, len(line.split())


@pytest.mark.parametrize("target", TARGETS)
def test_base_has_most_texts(target: str) -> None:
    found = base(target)[1]
    assert len(found) > {"pxe": 50, "aws": 30, "provisioning": 12}[target], found


@pytest.mark.parametrize("target", TARGETS)
def test_no_text_changes_the_shape_of_a_file(target: str) -> None:
    control = files(base(target)[0])
    scripts: set[str] = set()
    taken_anywhere = 0
    for probe in PROBES:
        values, taken = probed(target, probe)
        taken_anywhere += len(taken)
        for before, after in zip_longest(control, files(values)):
            if after == before:
                continue
            assert shape(*after) == shape(*before), (probe, taken, after[0])
            if after[1].startswith("#!/usr/bin/bash") and after[1] != before[1]:
                scripts.add(after[1])
    assert taken_anywhere > 20
    for script in scripts:
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), script
