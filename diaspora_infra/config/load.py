"""From plain data (what YAML or the engine gives) to Settings, with every problem named at once. No I/O."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from diaspora_infra.config.checks import check_host, check_machines, check_pod, check_together
from diaspora_infra.config.host import Host
from diaspora_infra.config.pod import Pod
from diaspora_infra.config.problems import ConfigError, Problem, problems_of, unknown_key
from diaspora_infra.config.pxe import Pxe
from diaspora_infra.config.secrets import SECRET_KEYS, needed_secrets
from diaspora_infra.config.settings import IgnitionExport, Settings
from diaspora_infra.config.types import Target

SECTIONS: dict[str, type[BaseModel]] = {"pod": Pod, "host": Host, "pxe": Pxe, "ignition": IgnitionExport}
KEYS = ("target", *SECTIONS)


def load(values: Mapping[str, Any], secrets: Collection[str] = ()) -> Settings:
    """Build the Settings of a stack.

    `values` holds the keys of the project's namespace without it (`pod`, not `diaspora-infra:pod`); `secrets` names
    the secret keys that are set. Raises ConfigError with all problems.
    """
    problems = [
        unknown_key(key, key, [*KEYS, *SECRET_KEYS]) for key in values if key not in KEYS and key not in SECRET_KEYS
    ]
    target = _target(values, problems)
    sections = {key: _section(key, values, target, problems) for key in SECTIONS}
    pod, host, pxe = sections["pod"], sections["host"], sections["pxe"]
    export = sections["ignition"] or IgnitionExport()
    if isinstance(pod, Pod):
        problems += check_pod(pod)
    if isinstance(host, Host):
        problems += check_host(host)
    if isinstance(pxe, Pxe):
        problems += check_machines("pxe.machines", pxe.machines)
    if isinstance(export, IgnitionExport):
        problems += check_machines("ignition.machines", export.machines)
    complete = isinstance(pod, Pod) and isinstance(host, Host) and target is not None
    if complete and not (target is Target.PXE and pxe is None):
        settings = Settings(target=target, pod=pod, host=host, pxe=pxe, ignition=export)  # type: ignore[arg-type]
        problems += check_together(settings)
        problems += _missing_secrets(settings, secrets)
        if not problems:
            return settings
    raise ConfigError(problems)


def _target(values: Mapping[str, Any], problems: list[Problem]) -> Target | None:
    value = values.get("target")
    if isinstance(value, str) and value in list(Target):
        return Target(value)
    what = "missing; it is required" if value is None else f"{value!r} is not valid"
    problems.append(Problem("target", f"{what}; allowed: {', '.join(Target)}"))
    return None


def _section(key: str, values: Mapping[str, Any], target: Target | None, problems: list[Problem]) -> BaseModel | None:
    model = SECTIONS[key]
    if key not in values:
        if key in {"pod", "host"} or (key == "pxe" and target is Target.PXE):
            text = " ".join((Settings.model_fields[key].description or "").split())
            problems.append(Problem(key, f"missing; it is required: {text}"))
        return None
    try:
        return model.model_validate(values[key])
    except ValidationError as error:
        problems += problems_of(error, model, key)
        return None


def _missing_secrets(settings: Settings, secrets: Collection[str]) -> list[Problem]:
    return [
        Problem(
            secret.key,
            f"missing; it is required: {secret.description} "
            f"Set it with: pulumi config set --secret diaspora-infra:{secret.key}",
        )
        for secret in needed_secrets(settings)
        if secret.key not in secrets
    ]
