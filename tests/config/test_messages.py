"""Every message about a mistake keeps one form: what is wrong; how to fix it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import ConfigError, Problem, load
from generators.config_schema import stack_schema
from tests.config import mistakes, test_aws_settings, test_networks
from tests.config.message_form import form_faults
from tests.support import configs

PACKAGE = Path(__file__).parents[2] / "diaspora_infra"
PLACEHOLDER = "VALUE"


def faults_of(problems: list[Problem]) -> dict[str, list[str]]:
    return {str(problem): faults for problem in problems if (faults := form_faults(problem.message))}


def found(values: dict[str, Any], secrets: Any = ()) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(values, secrets)
    return caught.value.problems


@pytest.mark.parametrize("change", [change for change, _, _ in mistakes.MISTAKES])
def test_mistakes_of_target_pxe(change: dict[str, Any]) -> None:
    assert faults_of(found(mistakes.changed(configs.pxe_config(), change))) == {}


@pytest.mark.parametrize(
    "change", [change for change, _ in test_aws_settings.MISTAKES], ids=lambda value: str(value)[:60]
)
def test_mistakes_of_target_aws(change: dict[str, Any]) -> None:
    assert faults_of(found(test_aws_settings.config(change), {"backupPassword"})) == {}


@pytest.mark.parametrize(
    "networks", [networks for networks, _, _ in test_networks.WRONG], ids=lambda value: str(value)[:60]
)
def test_mistakes_of_network_connections(networks: dict[str, Any]) -> None:
    assert faults_of(found(configs.pxe_config(pxe=configs.pxe(configs.machine(networks=networks))))) == {}


def test_forms_in_the_json_schema() -> None:
    texts: set[str] = set()

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            texts.update([part["patternErrorMessage"]] if "patternErrorMessage" in part else [])
            part = list(part.values())
        for item in part if isinstance(part, list) else ():
            collect(item)

    collect(stack_schema())
    assert len(texts) > 30
    assert {text: faults for text in texts if (faults := form_faults(f"VALUE is not valid; {text}"))} == {}


def literal(node: ast.AST) -> str | None:
    """The text of a string literal, with a placeholder for each expression in it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) or PLACEHOLDER for part in node.values)
    return None


def messages(file: Path) -> Iterator[str]:
    """The literals that a module passes to `Problem` as its message, and those with "allowed: "."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and len(node.args) == 2:
            text = literal(node.args[1])
            # what follows in a placeholder at the end is in another literal
            if text and " " in text and ("; " in text or not text.endswith(PLACEHOLDER)):
                yield text
        elif isinstance(node, ast.JoinedStr | ast.Constant):
            text = literal(node)
            if text and ("; allowed: " in text or text.startswith("allowed: ")):
                yield text if "; " in text else f"{PLACEHOLDER} is not valid; {text}"


MODULES = sorted(PACKAGE.rglob("*.py"))


def test_messages_in_the_code() -> None:
    texts = {text: file.relative_to(PACKAGE) for file in MODULES for text in messages(file)}
    assert len(texts) > 120
    assert {f"{file}: {text}": faults for text, file in texts.items() if (faults := form_faults(text))} == {}


@pytest.mark.parametrize(
    "message",
    [
        "nothing uses it; allowed: with engine: auroraServerless",
        "nothing uses it on AWS; allowed: aws.size or aws.instance.type",
        "none of them may administrate; allowed: a user core, or one with groups: [sudo]",
        "aws.network.cidr (10.0.0.0/16) and pod.subnet (10.0.1.0/24) overlap; allowed: apart",
        "empty with mode behindProxy; allowed: at least one, an IP address or a network, such as 192.0.2.10",
        "no way to send it; allowed: one of smtp and relay",
        "set beside pod.mail.smtp; allowed: one of the two",
        "is the system disk; allowed: another disk, or leave it out",
        "'pod1' is already used by pxe.machines[0].name; allowed: a value of its own",
        "missing; it is required: What every machine has.",
        "given as plain text; allowed: pulumi config set --secret diaspora-infra:smtpPassword",
        "22 is the SSH port; allowed: host.firewall.sshFrom says who may reach it",
        "is no JSON",
        f"{'a long explanation ' * 20}; remove it",
    ],
)
def test_other_forms_are_found(message: str) -> None:
    assert form_faults(message) != []
