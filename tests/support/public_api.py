"""The public API of Python programs as stubs: names, parameters, fields and types, in a text that people can read."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import griffe

from lab.engine import PROJECT

MODULES = {
    "butane": "butane-py/src",
    "diaspora_infra.aws": ".",
    "diaspora_infra.ignition": ".",
    "diaspora_infra.policy.pack": ".",
    "diaspora_infra.pxe": ".",
    "diaspora_infra.tables": ".",
}
"""What docs/library.md, docs/policy.md and the page of butane-py offer to programs, each with its folder."""

_NAMES = {"diaspora_infra.ignition": ["Ignition", "IgnitionArgs"], "diaspora_infra.policy.pack": ["policy_pack"]}
"""The public names of modules without `__all__`."""


def stub(module: str) -> str:
    """The public names of a module as a stub."""
    found = _package(module.split(".")[0], MODULES[module])
    for part in module.split(".")[1:]:
        found = found.members[part]  # type: ignore[assignment]
    assert isinstance(found, griffe.Module)
    names = _NAMES.get(module) or [str(name) for name in found.exports or ()]
    return "\n".join(line for name in sorted(names) for line in _lines(name, found.members[name]))


@cache
def _package(name: str, folder: str) -> griffe.Module:
    loaded = griffe.load(name, search_paths=[str(PROJECT / folder)], allow_inspection=False, try_relative_path=False)
    assert isinstance(loaded, griffe.Module)
    return loaded


def _lines(name: str, found: griffe.Object | griffe.Alias) -> Iterator[str]:
    target = found.final_target if isinstance(found, griffe.Alias) else found
    if isinstance(target, griffe.Class):
        bases = ", ".join(str(base) for base in target.bases)
        members = [line for key, each in sorted(target.members.items()) for line in _member(key, each)]
        yield f"class {name}({bases}):" if bases else f"class {name}:"
        yield from [f"    {line}" for line in members] or ["    ..."]
    else:
        yield from _member(name, target)


def _member(name: str, found: griffe.Object | griffe.Alias) -> Iterator[str]:
    if name.startswith("_") and name not in {"__init__", "__version__"}:
        return
    if isinstance(found, griffe.Function):
        if "property" in found.labels:
            yield f"{name}: {found.returns}"
            return
        yield f"def {name}({', '.join(_parameters(found))}){f' -> {found.returns}' if found.returns else ''}: ..."
    elif isinstance(found, griffe.Attribute):
        annotation = found.annotation or "object"
        yield f"{name}: {annotation}{f' = {found.value}' if _is_member(found) else ''}"


def _is_member(found: griffe.Attribute) -> bool:
    """Whether it is one of an enum, whose value is part of the API."""
    return isinstance(found.parent, griffe.Class) and any(str(base).endswith("Enum") for base in found.parent.bases)


def _parameters(found: griffe.Function) -> Iterator[str]:
    """The parameters as they are written; private ones are nobody's."""
    keyword = False
    for each in found.parameters:
        if each.name.startswith("_"):
            continue
        star = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(each.kind, "")  # type: ignore[arg-type]
        keyword = keyword or star == "*"
        if each.kind is griffe.ParameterKind.keyword_only and not keyword:
            yield "*"
            keyword = True
        annotation = f": {each.annotation}" if each.annotation else ""
        default = f" = {each.default}" if each.default is not None and not star else ""
        yield f"{star}{each.name}{annotation}{default}"


def breaking_changes(module: str, before: str, after: str) -> list[str]:
    """What a program can use no more, or not as before: the name of each, with what happened to it."""
    old, new = (griffe.visit("api", Path(f"{module}.pyi"), text) for text in (before, after))
    found = [f"{module}.{_name(each)}: {each.kind.value}" for each in griffe.find_breaking_changes(old, new)]
    return sorted({*found, *_changed_fields(module, old, new)})


def _name(breakage: griffe.Breakage) -> str:
    return breakage.obj.path.removeprefix("api.")


def _changed_fields(module: str, old: griffe.Module, new: griffe.Module) -> Iterator[str]:
    """Fields of another type, and new ones that must be given; griffe compares neither."""
    for name, before in old.members.items():
        after = new.members.get(name)
        if not isinstance(before, griffe.Class) or not isinstance(after, griffe.Class):
            continue
        for key in before.members.keys() & after.members.keys():
            types = [getattr(each.members[key], "annotation", None) for each in (before, after)]
            if str(types[0]) != str(types[1]):
                yield f"{module}.{name}.{key}: another type"
        if any(str(base).endswith("TypedDict") for base in after.bases):
            for key in after.members.keys() - before.members.keys():
                if not str(getattr(after.members[key], "annotation", "")).startswith("NotRequired"):
                    yield f"{module}.{name}.{key}: must be given"
