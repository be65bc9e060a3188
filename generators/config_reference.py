"""The reference of all settings, `docs/config.md`, written from the models (by way of their JSON Schema)."""

import json
from collections.abc import Iterator
from typing import Any

from diaspora_infra.config.images import IMAGES
from diaspora_infra.config.loader.load import KEYS
from diaspora_infra.config.problems import range_words
from diaspora_infra.config.secrets import NAMESPACE, SECRETS
from generators.config_schema import Schema, settings_schema

INTRO = """\
# Settings

<!-- `make golden` writes this page from diaspora_infra/config. Change the docstrings of the models, not this page. -->

A stack is one file, `Pulumi.STACK.yaml`. This is a complete one:

```yaml
# yaml-language-server: $schema=docs/config.schema.json
config:
  diaspora-infra:target: pxe
  diaspora-infra:pod:
    domain: pod.example.org
    name: Example pod
    admin: {username: podmin, email: podmin@example.org}
  diaspora-infra:host:
    users:
      - name: core
        sshAuthorizedKeys:
          - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org
    storage: {disk: /dev/disk/by-id/ata-EXAMPLE}
  diaspora-infra:pxe:
    matchbox: {httpUrl: "http://matchbox.lan:8080", rpcEndpoint: "matchbox.lan:8081"}
    machines:
      - {name: pod1, mac: "52:54:00:a1:9c:ae"}
```

**Mistakes.** `diaspora-infra check Pulumi.STACK.yaml` needs no engine and no network. It prints every mistake on a
separate line (the key: what is wrong; how to fix it) and ends with 1. `pulumi preview` and `pulumi up` do the same
checks before they change anything. A combination of keys is checked when each key of its sections (`pod`, `host`,
`aws`, ...) is valid: a file that is corrected may bring another line.

```text
host.storage.rootGib: 4 is out of range; allowed: 8 to 1024
pod.admin.nickname: unknown key; allowed: email, username
pxe.machines[1].mac: '52:54:00:a1:9c:ae' is already used by pxe.machines[0].mac; choose another
```

**Keys** are written in camelCase. An unknown key is a mistake, so a misspelt key is never silently ignored.

**Values** are read the way the engine reads them: `03:00`, `52:54:00:a1:9c:ae` and `off` need no quotes. Text that
looks like a number does: `name: "1984"`.

**Secrets** have separate keys (see [Secrets](#secrets)) and are never in the file as plain text. Set them with
`pulumi config set --secret`; the file then contains `secure:` and the encrypted value. `check` needs no secret's value.

**Size.** The engine hands the whole config over to the program in one environment variable, and Linux takes 128 KiB at
most: about 350 machines with a static network each, or 125 kB of snippets. `check` counts what travels. Machines and
snippets may be in files of their own, which the program reads: `pxe.machineFiles` and `host.snippetFiles`
([how](pxe.md#many-machines)).

**Editors.** With the first line of the example, every editor with the YAML language server completes keys, shows these
descriptions and underlines mistakes, from [config.schema.json](config.schema.json).

Below, `machines[]` stands for each machine of the list.
"""


_TABLE = "a table of keys"


def reference_text() -> str:
    """The text of `docs/config.md`."""
    schema = settings_schema()
    pages = [INTRO, "\n".join(_leaf_section("target", schema["properties"]["target"], schema))]
    for key in KEYS:
        if key != "target":
            pages += ["\n".join(lines) for lines in _sections(key, schema["properties"][key], schema, "##")]
    pages += ["\n".join(_secrets()), "\n".join(_images())]
    return "\n".join(pages)


def _leaf_section(path: str, part: Schema, root: Schema) -> Iterator[str]:
    yield from (f"## {path}", "", f"{part['description']} Allowed: {_allowed(part, root)}.", "")


def _secrets() -> Iterator[str]:
    yield from (
        "## Secrets",
        "",
        "Set each secret in the stack, or place it on the machine: see",
        "[where secrets are](security.md#secrets) and `pod.secretsOnMachine`.",
        "",
        "| Key | Description | Set it with |",
        "|---|---|---|",
    )
    for secret in SECRETS:
        yield f"| `{NAMESPACE}:{secret.key}` | {_cell(secret.description)} | `{secret.command}` |"
    yield ""


def _images() -> Iterator[str]:
    yield from (
        "## Images",
        "",
        "The default container images, for both architectures; `pod.versions` sets other versions. The tests have",
        "pulled none of them, because they have no access to a registry. For the same",
        "reason the table has no digests yet ([how to fill it](../tools/README.md#digests-of-images)).",
        "",
        "| Image | Reference |",
        "|---|---|",
    )
    for name, image in IMAGES.items():
        yield f"| {name} | `{image.reference}` |"
    yield "| diaspora | `pod.image`, or one that the machine builds on the image `ruby` |"
    yield ""


def _sections(path: str, part: Schema, root: Schema, heading: str) -> Iterator[list[str]]:
    """The section of a table of keys, then those of the tables inside it."""
    table = _table(part, root)
    required = set(table.get("required", ()))
    rows: dict[bool, list[str]] = {True: [], False: []}
    for key, value in table["properties"].items():
        allowed = _allowed(value, root)
        if inner := _inner_path(f"{path}.{key}", value, root):
            allowed = allowed.replace(_TABLE, f"[{_TABLE}](#{''.join(filter(str.isalnum, inner.lower()))})")
        cells = [f"`{key}`", _cell(_description(value, root)), _cell(allowed)]
        rows[key in required].append(" | ".join(cells if key in required else [*cells, _default(value)]))
    lines = [f"{heading} {path}", "", table["description"], ""]
    if rows[True]:
        lines += ["Required:", "", "| Key | Description | Allowed |", "|---|---|---|", *_bars(rows[True]), ""]
    if rows[False]:
        lines += ["Optional:", "", "| Key | Description | Allowed | Default |", "|---|---|---|---|"]
        lines += [*_bars(rows[False]), ""]
    yield lines
    for key, value in table["properties"].items():
        if inner := _inner_path(f"{path}.{key}", value, root):
            yield from _sections(inner, value.get("items", value), root, "###")


def _inner_path(path: str, value: Schema, root: Schema) -> str:
    """The heading of the tables that are a key's value or the entries of its list; empty for other values."""
    inner = value.get("items", value)
    if "properties" not in _table(inner, root):
        return ""
    return path if inner is value else f"{path}[]"


def _bars(rows: list[str]) -> list[str]:
    return [f"| {row} |" for row in rows]


def _table(part: Schema, root: Schema) -> Schema:
    """Follow the reference of a part; of a choice with null, take the other one."""
    if "anyOf" in part:
        part = next(choice for choice in part["anyOf"] if choice.get("type") != "null")
    if "$ref" in part:
        found: Schema = root["$defs"][part["$ref"].rpartition("/")[2]]
        return found
    return part


def _description(part: Schema, root: Schema) -> str:
    return str(part.get("description") or _table(part, root)["description"])


def _allowed(part: Schema, root: Schema) -> str:
    part = _table(part, root)
    kinds = part.get("type", [])
    kind = kinds if isinstance(kinds, str) else next(kind_name for kind_name in kinds if kind_name != "null")
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"] if word is not None)
    if "patternErrorMessage" in part:
        return str(part["patternErrorMessage"]).removeprefix("allowed: ")
    if kind in {"integer", "number"}:
        kind_words = "a whole number" if kind == "integer" else "a number"
        return range_words(part.get("minimum"), part.get("maximum"), part.get("multipleOf")) or kind_words
    if kind == "array":
        minimum = f" of at least {part['minItems']}" if "minItems" in part else ""
        return f"a list{minimum}; each: {_allowed(part['items'], root)}"
    return {"boolean": "`true`, `false`", "object": _TABLE}.get(kind, "text")


def _default(part: dict[str, Any]) -> str:
    """The default as one would write it in the file."""
    if "default" not in part:
        return ""
    default = part["default"]
    return _cell(f"`{default if isinstance(default, str) else json.dumps(default)}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
