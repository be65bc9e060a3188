"""Sums up a run of the engine: data first, then machines, policies, other resources, outputs, errors.

It holds names, changed keys and the values of `SHOWN`, never whole states: a state may hold what nobody should read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diaspora_infra.aws import plan as aws_plan
from diaspora_infra.aws.data_types import DATA_TYPES
from diaspora_infra.preview.events import SECRET, UNKNOWN, Run, Step, split_urn
from diaspora_infra.pxe import plan as pxe_plan

SHOWN = frozenset(
    {
        "allocatedStorage", "ami", "backupRetentionPeriod", "deletionProtection", "engineVersion", "instanceClass",
        "instanceType", "kernel", "retentionInDays", "size", "skipFinalSnapshot", "storageEncrypted", "volumeType",
    }
)  # fmt: skip
"""Keys whose values are told."""

_PLAIN = re.compile(r"[\w.:/+ -]{1,120}", re.ASCII)
_OPERATION = re.compile(r"[a-z][a-z-]{0,40}")
_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}
_FUTURE = {name: f"to {name}" for name in _SIGNS} | {"same": "unchanged"}
_REPLACING = {"replace", "create-replacement", "delete-replaced"}
_MATCHBOX_GROUP = "matchbox:index/group:Group"
_SECRET_WORDS = {"secret", "secrets", "password", "passwords", "passphrase", "token", "tokens", "key", "keys"}
_OPEN_WORDS = {"arn", "fingerprint", "id", "ids", "name", "names", "public"}
"""With one of these in its name, a key is no secret: `publicKey`, `keyId`."""


@dataclass(frozen=True)
class Change:
    """What happens to a resource."""

    action: str
    """An operation of the engine: `create`, `update`, `replace`, `delete`, or another one that is rare."""
    kind: str
    name: str
    keys: tuple[str, ...] = ()
    """Changed keys; of a resource that is replaced, those that make it necessary."""
    values: tuple[tuple[str, str, str], ...] = ()
    """Key, value before and value after, of the keys that are told."""
    data: bool = False
    """Whether it holds data, or is protected."""
    outside: bool = False
    """Whether a refresh found that somebody else has changed or deleted it."""


@dataclass(frozen=True)
class Summary:
    """What is told of a run."""

    run: Run
    changes: Sequence[Change]
    machines: Sequence[str]
    """A line for each kind of change, and their number."""
    open_secrets: Sequence[str]
    """Outputs that are named like a secret, but are none for the engine."""

    @property
    def data(self) -> list[Change]:
        """Replaced or deleted resources that hold data."""
        return [change for change in self.changes if change.data and change.action in {"replace", "delete"}]

    @property
    def counts(self) -> str:
        """The number of resources, such as `+ 2 to create, 4 unchanged`."""
        words = _FUTURE if self.run.preview else _PAST
        order = [*words, *sorted(self.run.counts.keys() - words.keys())]
        counts = {op: number for op in order if (number := self.run.counts.get(op))}
        texts = [f"{_SIGNS.get(op, '')} {number} {words.get(op, _word(op))}".strip() for op, number in counts.items()]
        if not counts:
            return "no resources"
        changed = counts.keys() - {"same"}
        nothing = "nothing changes" if self.run.preview else "nothing changed"
        return ", ".join(texts) if changed else f"{nothing} ({', '.join(texts)})"


def sum_up(run: Run) -> Summary:
    """Read a run."""
    return Summary(run, list(_changes(run.steps)), _machines(run), list(_open_secrets(run.outputs)))


def _changes(steps: Iterable[Step]) -> Iterator[Change]:
    """The changed resources, with replaced and deleted ones first."""
    resources: dict[str, list[Step]] = {}
    for step in steps:
        resources.setdefault(step["urn"], []).append(step)
    found = [change for urn, each in resources.items() if (change := _change(urn, each))]
    order = {"replace": 0, "delete": 1, "update": 2, "create": 3}
    yield from sorted(found, key=lambda change: (order.get(change.action, 4), change.kind, change.name))


def _change(urn: str, steps: Sequence[Step]) -> Change | None:
    operations = {step["op"]: step for step in steps if step["op"] != "refresh"}
    action = "replace" if operations.keys() & _REPLACING else next(iter(operations), "same")
    if action == "same":
        return None
    step = operations.get("replace") or next(iter(operations.values()))
    kind, name = split_urn(urn)
    old, new = (step.get(state) or {} for state in ("oldState", "newState"))
    reasons = step.get("replaceReasons") if action == "replace" else None
    return Change(
        _word(action),
        kind,
        name,
        tuple(reasons or step.get("diffReasons") or ()),
        tuple(_values(old.get("inputs") or {}, new.get("inputs") or {})) if old and new else (),
        kind in DATA_TYPES or bool(old.get("protect")),
        any(step["op"] == "refresh" and (step.get("diffReasons") or not step.get("newState")) for step in steps),
    )


def _word(operation: str) -> str:
    """An operation of the engine, in whose place nothing else is told."""
    return operation if _OPERATION.fullmatch(operation) else "other"


def _values(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in sorted(SHOWN & (old.keys() | new.keys())):
        before, after = _shown(old.get(key)), _shown(new.get(key))
        if before != after:
            yield key, before, after


def _shown(value: Any) -> str:
    """A short value without anything but letters, numbers and what is in versions, addresses and paths."""
    if value is None:
        return "none"
    if value == UNKNOWN:
        return "not known yet"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else ""
    return text if _PLAIN.fullmatch(text) else "not shown"


def _machines(run: Run) -> list[str]:
    """What each machine needs, in groups."""
    try:
        return _plans(run)
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
        return ["not known, because the engine never writes states such as these"]


def _plans(run: Run) -> list[str]:
    machines, groups = aws_plan.plan_steps(run.steps), aws_plan.plan_groups(run.steps)
    if machines or groups:
        own = pxe_plan.summary(machines, aws_plan.ACTIONS) if machines else []
        return [*own, *(pxe_plan.summary(groups, aws_plan.GROUP_ACTIONS, "group") if groups else [])]
    if not any(split_urn(step["urn"])[0] == _MATCHBOX_GROUP for step in run.steps):
        return []
    if run.verdict == "failed":
        return ["not known, because the run failed"]
    return pxe_plan.summary(pxe_plan.plan_steps(run.steps))


def _open_secrets(value: Any, path: str = "", *, named: bool = False) -> Iterator[str]:
    """Paths of the values that are named like a secret, and are in the clear."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _open_secrets(each, f"{path}.{key}" if path else str(key), named=named or _is_secret(str(key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _open_secrets(each, f"{path}[{number}]", named=named)
    elif named and value not in (None, "", SECRET, UNKNOWN) and not isinstance(value, bool):
        yield path


def _is_secret(name: str) -> bool:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    return bool(words & _SECRET_WORDS) and not words & _OPEN_WORDS
