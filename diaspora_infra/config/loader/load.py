"""From plain data (of YAML or the engine) to Settings, with all problems at once. No I/O."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.checks import check_aws
from diaspora_infra.config.host.host import Host, Machine
from diaspora_infra.config.loader.checks import (
    check_addresses,
    check_host,
    check_image_build,
    check_machines,
    check_machines_on_host,
    check_pod,
    check_release,
)
from diaspora_infra.config.loader.derive import derive
from diaspora_infra.config.loader.stack_file import ENCRYPTED, ENCRYPTED_MESSAGE, is_secure
from diaspora_infra.config.pod.daily_jobs import check_daily_jobs
from diaspora_infra.config.pod.diaspora_toml import why_not_a_setting
from diaspora_infra.config.pod.image_archive import check_image_archive
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.pod.registry import check_registry
from diaspora_infra.config.pod.times import check_times
from diaspora_infra.config.pod.upgrade import check_upgrade
from diaspora_infra.config.pod.versions import check_versions
from diaspora_infra.config.problems import (
    ConfigError,
    Problem,
    join_path,
    key_path,
    missing_key,
    problems_of,
    quoted,
    refused,
    unknown_key,
    valid_part,
)
from diaspora_infra.config.provisioning.server import (
    Provisioning,
    ProvisioningSettings,
    check_provisioning,
    check_provisioning_host,
)
from diaspora_infra.config.pxe.pxe import Pxe, PxeMachine
from diaspora_infra.config.secrets import SECRET_KEYS, SECRETS, check_secrets, missing_secrets, secret_for_path
from diaspora_infra.config.settings import (
    AwsSettings,
    IgnitionExport,
    PxeSettings,
    Settings,
    WrittenSettings,
    aws_machines,
)
from diaspora_infra.config.types import Target

KEYS = ("target", "pod", "host", "pxe", "aws", "ignition", "provisioning")
PROVISIONING_KEYS = ("target", "host", "provisioning")

_Model = TypeVar("_Model", bound=BaseModel)


def load_stack(values: Mapping[str, Any], secrets: Collection[str] = ()) -> Settings | ProvisioningSettings:
    """Build the settings of a stack of any target; see `load`."""
    if values.get("target") != Target.PROVISIONING:
        return load(values, secrets)
    loader = _Loader(values, secrets)
    settings = loader.load_provisioning()
    if loader.problems or settings is None:
        raise ConfigError(loader.problems)
    return settings


def load_provisioning(values: Mapping[str, Any]) -> Provisioning:
    """Build the settings of a provisioning server from its key alone. Raises ConfigError with all problems."""
    loader = _Loader(values, ())
    provisioning = loader.provisioning(required=True)
    if loader.problems or provisioning is None:
        raise ConfigError(loader.problems)
    return provisioning


def load(values: Mapping[str, Any], secrets: Collection[str] = ()) -> Settings:
    """Build the Settings of a stack with a pod.

    `values` holds the keys of the project's namespace without it (`pod`, not `diaspora-infra:pod`); `secrets` names
    the secret keys that are set. Raises ConfigError with all problems.
    """
    if values.get("target") == Target.PROVISIONING:
        pods = ", ".join(target for target in Target if target is not Target.PROVISIONING)
        raise ConfigError([Problem("target", f"provisioning has no pod; allowed here: {pods}")])
    return derive(load_written(values, secrets))


def load_written(values: Mapping[str, Any], secrets: Collection[str] = ()) -> WrittenSettings:
    """Read and check what the user wrote about a stack with a pod; see `load`."""
    loader = _Loader(values, secrets)
    written = loader.load()
    if loader.problems or written is None:
        raise ConfigError(loader.problems)
    return written


@dataclass(frozen=True)
class Sections:
    """The sections of a stack with a pod that are good in themselves; None for one that is missing or wrong.

    `machines` are those of each target, by their position in its list; `existing_parameters` are the keys of
    `aws.existingParameters`, also where the rest of that section is wrong.
    """

    target: Target | None
    pod: Pod | None
    host: Host | None
    pxe: Pxe | None
    aws: Aws | None
    machines: Mapping[Target, Mapping[int, Machine]]
    existing_parameters: Collection[str]


def sections_of(settings: Settings) -> Sections:
    """The sections of settings that were derived, for the checks that what is written has passed."""
    return Sections(
        target=settings.target,
        pod=settings.pod,
        host=settings.host,
        pxe=settings.pxe if isinstance(settings, PxeSettings) else None,
        aws=settings.aws if isinstance(settings, AwsSettings) else None,
        machines={settings.target: dict(enumerate(settings.machines))},
        existing_parameters=settings.existing_parameters,
    )


def check_sections(sections: Sections, given: Collection[str]) -> list[Problem]:
    """Settings that do not work together; `given` are the keys of the secrets in the stack config."""
    return [*_check_parts(sections, given), *_check_machines(sections)]


def _check_parts(sections: Sections, given: Collection[str]) -> Iterator[Problem]:
    pod, host, aws = sections.pod, sections.host, sections.aws
    if pod:
        on_aws = sections.target is Target.AWS
        # a key aws that is not valid has its own messages, and no second one about mail
        ses, bucket = aws is None or aws.mail.enabled, aws is None or aws.backups.bucket
        yield from check_pod(pod, ses=on_aws and ses, backup_bucket=on_aws and bucket)
        if aws or not on_aws:
            yield from check_registry(pod.registry, _own_images(pod, aws if on_aws else None))
        groups = on_aws and aws is not None and aws.has_groups
        yield from check_secrets(pod, given, sections.existing_parameters, groups=groups)
    if host:
        yield from check_host(host)
    if pod and host:
        yield from check_times(pod.backup, pod.upgrade, host.updates)
        yield from check_daily_jobs(pod.daily_jobs, pod.backup, pod.upgrade, host.updates)
    if sections.pxe:
        yield from check_release("pxe", sections.pxe.release)
    if aws:
        yield from check_release("aws.instance", aws.instance.release)
        # with another target pod and host are not those of a machine on AWS
        on_aws = sections.target in {Target.AWS, None}
        yield from check_aws(aws, pod if on_aws else None, host if on_aws else None)


def _own_images(pod: Pod, aws: Aws | None) -> list[str | None]:
    relay = pod.mail.relay if pod.mail else None
    return [pod.image, relay.image if relay else None, aws.uploads_image if aws else None]


def _check_machines(sections: Sections) -> Iterator[Problem]:
    target, pod, host = sections.target, sections.pod, sections.host
    for key in (Target.PXE, Target.IGNITION):
        machines = sections.machines.get(key, {})
        yield from check_machines(f"{key}.machines", machines)
        if pod:
            yield from check_addresses(f"{key}.machines", pod, machines)
    if target is None:
        return
    machines = sections.machines.get(target, {})
    if pod:
        yield from check_versions(pod) if machines else ()
        yield from check_image_archive(pod, target, [machine.architecture for machine in machines.values()])
        on_aws, refreshed = target is Target.AWS, pod.image_refresh
        yield from check_upgrade(pod.upgrade, machines.values(), on_aws=on_aws, refreshed=refreshed)
    if host:
        yield from check_machines_on_host(f"{target}.machines", host, machines)
    if pod and host and machines and target is not Target.AWS:
        yield from check_image_build(pod, host)


class _Loader:
    """Reads the keys one by one and collects the problems."""

    def __init__(self, values: Mapping[str, Any], secrets: Collection[str]) -> None:
        self.values = values
        self.secrets = secrets
        self.problems: list[Problem] = []
        self.invalid_sections: set[str] = set()
        self.valid_parts: dict[str, Any] = {}

    def load(self) -> WrittenSettings | None:
        """What the user wrote; None when a key is not valid."""
        self._check_keys()
        target = self._target()
        pod = self._section("pod", Pod, required=True)
        host = self._section("host", Host, required=True)
        pxe = self._section("pxe", Pxe, required=target is Target.PXE)
        aws = self._section("aws", Aws, required=target is Target.AWS)
        export = self._section("ignition", IgnitionExport)
        provisioning = self.provisioning(required=False)
        machines: dict[Target, dict[int, Machine]] = {
            Target.PXE: self._machines("pxe", PxeMachine),
            Target.AWS: dict(enumerate(aws_machines(aws))) if aws else {},
            Target.IGNITION: self._machines("ignition", Machine),
        }
        if "ignition" not in self.values:
            export = IgnitionExport()
            machines[Target.IGNITION] = dict(enumerate(export.machines))
        given = {*self.secrets, *map(str, self.values)}
        on_aws = (aws or self.valid_parts.get("aws")) if target is Target.AWS else None
        existing = on_aws.existing_parameters if on_aws else {}
        self.problems += check_sections(Sections(target, pod, host, pxe, aws, machines, existing), given)
        self.problems += self._missing_secrets({*given, *existing})
        if not (target and pod and host and export):
            return None
        # each part has been checked
        return WrittenSettings.model_construct(
            target=target, pod=pod, host=host, pxe=pxe, aws=aws, ignition=export, provisioning=provisioning
        )

    def load_provisioning(self) -> ProvisioningSettings | None:
        """The settings of a provisioning server; None when a key is not valid."""
        self._check_keys()
        for key in KEYS:
            if key in self.values and key not in PROVISIONING_KEYS:
                self._note(key, "not used with target: provisioning; remove it")
        host = self._section("host", Host, required=True)
        provisioning = self.provisioning(required=True)
        if host:
            self.problems += check_provisioning_host(host, provisioning)
        return ProvisioningSettings(host=host, provisioning=provisioning) if host and provisioning else None

    def provisioning(self, *, required: bool) -> Provisioning | None:
        """The key `provisioning`."""
        provisioning = self._section("provisioning", Provisioning, required=required)
        if provisioning:
            self.problems += check_provisioning(provisioning)
        return provisioning

    def _check_keys(self) -> None:
        for key in map(str, self.values):
            secret = next((secret for secret in SECRETS if secret.key == key), None)
            if secret:
                self._note(key, f"not encrypted; run: {secret.command}")
            elif key not in KEYS:
                self.problems.append(unknown_key(key_path(key), key, KEYS, SECRET_KEYS))

    def _target(self) -> Target | None:
        value = self.values.get("target")
        if isinstance(value, str) and value in list(Target):
            return Target(value)
        allowed = ", ".join(Target)
        self._note("target", f"required; allowed: {allowed}" if value in (None, "") else refused(value, allowed))
        return None

    def _section(self, key: str, model: type[_Model], *, required: bool = False) -> _Model | None:
        if key not in self.values:
            if required:
                self.problems.append(missing_key(key, WrittenSettings, key))
            return None
        invalid = [_hint(problem) for problem in _invalid_values(key, self.values[key])]
        self.problems += invalid
        if invalid:
            self.invalid_sections.add(key)
            return None
        try:
            return model.model_validate(self.values[key], by_alias=True, by_name=False)
        except ValidationError as error:
            self.problems += [_hint(problem) for problem in problems_of(error, model, key)]
            if isinstance(self.values[key], Mapping):
                self.valid_parts[key] = valid_part(model, self.values[key], error)
            return None

    def _missing_secrets(self, given: Collection[str]) -> list[Problem]:
        """The secrets that are missing for what is valid of a pod with mistakes, unless a mistake may be the reason."""
        pod = self.valid_parts.get("pod")
        if pod is None or any(problem.path.startswith("pod.secretsOnMachine") for problem in self.problems):
            return []
        misplaced = {secret.key for problem in self.problems if (secret := secret_for_path(problem.path))}
        return missing_secrets(pod, {*given, *misplaced})

    def _machines(self, key: str, model: type[Machine]) -> dict[int, Machine]:
        """The valid machines, even when the rest of the section is not valid."""
        section = self.values.get(key) if key not in self.invalid_sections else None
        entries = section.get("machines") if isinstance(section, dict) else None
        machines: dict[int, Machine] = {}
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            try:
                machines[index] = model.model_validate(entry, by_alias=True, by_name=False)
            except ValidationError:
                continue  # the section has said so
        return machines

    def _note(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


def _invalid_values(key: str, section: object) -> Iterator[Problem]:
    """Values that no setting takes: secrets, keys that are not text, and what no file can hold."""
    rest: list[tuple[tuple[str | int, ...], object]] = [((key,), section)]
    while rest:
        location, value = rest.pop()
        path = join_path(*location)
        if value == ENCRYPTED:
            yield Problem(path, ENCRYPTED_MESSAGE)
        elif is_secure(value):
            yield Problem(path, "encrypted, but not a secret; set a plain value")
        elif isinstance(value, Mapping):
            for name, item in value.items():
                if isinstance(name, str) and _is_unicode(name):
                    rest.append(((*location, name), item))
                else:
                    yield Problem(path, f"{quoted(name)} as a key; allowed: text in Unicode")
        elif isinstance(value, list):
            rest += [((*location, index), item) for index, item in enumerate(value)]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield Problem(path, refused(value, "a whole number of 64 bits"))
        elif isinstance(value, str) and not _is_unicode(value):
            yield Problem(path, refused(value, "text in Unicode, without U+FFFE and U+FFFF"))


def _is_unicode(text: str) -> bool:
    """Tell whether a text is free of lone surrogates, and of U+FFFE and U+FFFF, which no YAML can hold."""
    return not any("\ud800" <= letter <= "\udfff" or letter in "\ufffe\uffff" for letter in text)


def _hint(problem: Problem) -> Problem:
    """Replace the message about a misplaced secret, or about a key of diaspora.toml, with a specific one."""
    secret = secret_for_path(problem.path)
    if secret:
        return Problem(problem.path, f"belongs in the secret {secret.key}; remove this key and run: {secret.command}")
    reason = why_not_a_setting(problem.path) if problem.message.startswith("unknown key") else None
    return Problem(problem.path, reason) if reason else problem
