"""Cuts the Terraform AWS provider down to some services, and shortens its waits, for use with the simulator only.

Whole, it is too large to be built on the way. Two generated lists decide what is linked: the service packages, and a
method for each AWS client. Both are rewritten in a copy of the module (Go accepts no overlay for files of its module
cache).

Every wait of the provider (for a state, for a consistent answer) is a loop of its package internal/backoff. `WAITS`
lists the two lines that are changed there: the simulator answers at once, so the pauses between two questions are a
thousandth, and a wait for what never comes gives up after a twentieth of the time, at least five seconds. What is
asked, in which order, and what counts as an answer stay the provider's own.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.errors import ToolError

MODULE = "github.com/hashicorp/terraform-provider-aws"
BACKOFF = "internal/backoff/backoff.go"
WAITS = (
    # the pause before an attempt
    ("case <-r.config.timer.After(d):", "case <-r.config.timer.After(d / 1000):"),
    # when a loop gives up
    (
        "inttypes.NewDeadline(timeout)",
        "inttypes.NewDeadline(min(timeout, max(timeout/20, 5*time.Second)))",
    ),
)
"""Lines of internal/backoff/backoff.go, and what stands there instead."""


def trimmed_module(go: str, module: Path, services: Iterable[str], work: Path, environment: Mapping[str, str]) -> Path:
    """Make a module in `work` that builds the provider with only these services; returns its folder.

    `module` holds go.mod and go.sum with the pinned provider. Raises ToolError.
    """
    result = subprocess.run(
        [go, "mod", "download", "-json", MODULE],
        cwd=module,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ToolError(f"terraform-provider-aws: go mod download failed: {result.stdout.strip()[-400:]}")
    source = work / "source"
    shutil.copytree(json.loads(result.stdout)["Dir"], source, copy_function=shutil.copyfile)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(module / name, work / name)
    with (work / "go.mod").open("a", encoding="utf-8") as file:
        file.write(f"\nreplace {MODULE} => ./source\n")
    kept = sorted(services)
    (source / "internal/provider/sdkv2/service_packages_gen.go").write_text(_packages(kept), encoding="utf-8")
    clients = source / "internal/conns/awsclient_gen.go"
    used = _clients_used(source / "internal", frozenset(kept))
    clients.write_text(only_clients(clients.read_text(encoding="utf-8"), used), encoding="utf-8")
    backoff = source / BACKOFF
    backoff.write_text(shorter_waits(backoff.read_text(encoding="utf-8")), encoding="utf-8")
    return work


def _packages(services: list[str]) -> str:
    imports = "".join(f'\t"{MODULE}/internal/service/{service}"\n' for service in services)
    calls = "".join(f"\t\t{service}.ServicePackage(ctx),\n" for service in services)
    return (
        f'package sdkv2\n\nimport (\n\t"context"\n\n\t"{MODULE}/internal/conns"\n{imports})\n\n'
        "func servicePackages(ctx context.Context) []conns.ServicePackage {\n"
        f"\treturn []conns.ServicePackage{{\n{calls}\t}}\n}}\n"
    )


def _clients_used(internal: Path, services: frozenset[str]) -> set[str]:
    """Names of the client methods that the remaining code calls."""
    used: set[str] = set()
    for path in internal.rglob("*.go"):
        parts = path.relative_to(internal).parts
        dropped = parts[0] == "service" and parts[1] not in services
        if not dropped and path.name != "awsclient_gen.go" and not path.name.endswith("_test.go"):
            used |= set(re.findall(r"\b(\w+Client)\(ctx\)", path.read_text(encoding="utf-8")))
    return used


def only_clients(text: str, used: Iterable[str]) -> str:
    """The generated Go file with only the used methods, and only the imports that these need."""
    wanted = frozenset(used)
    head, *methods = re.split(r"(?=^func \(c \*AWSClient\) )", text, flags=re.MULTILINE)
    body = "".join(method for method in methods if _method_name(method) in wanted)
    imports = re.search(r"import \((.*?)\n\)", head, re.DOTALL)
    if imports is None:
        raise ToolError("terraform-provider-aws: awsclient_gen.go has no imports; the provider has changed its layout")
    kept = [line for line in imports[1].splitlines() if _is_used(line, body)]
    return head.replace(imports[0], "import (\n" + "\n".join(kept) + "\n)") + body


def shorter_waits(text: str) -> str:
    """The Go file of the waiting loops with the lines of `WAITS` changed. Raises ToolError where one is missing."""
    for line, shorter in WAITS:
        if text.count(line) != 1:
            raise ToolError(f"terraform-provider-aws: {BACKOFF} has no single line {line!r}; its waits have changed")
        text = text.replace(line, shorter)
    return text


def _method_name(method: str) -> str | None:
    found = re.match(r"func \(c \*AWSClient\) (\w+)\(", method)
    return found and found[1]


def _is_used(line: str, body: str) -> bool:
    found = re.match(r'\t(?:(\w+) )?"([^"]+)"', line)
    if found is None:
        return False
    name = (found[1] or found[2].split("/")[-1]).replace("-", "_")
    return found[2] == "context" or re.search(rf"\b{re.escape(name)}\.", body) is not None
