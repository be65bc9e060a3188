"""From plain data (of YAML or the engine) to Settings, with all problems at once. No I/O."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeGuard, TypeVar, overload

from pydantic import ValidationError

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.loader.derive import derive
from diaspora_infra.config.loader.stack_checks import check_stack
from diaspora_infra.config.loader.stack_file import ENCRYPTED, ENCRYPTED_MESSAGE, is_secure
from diaspora_infra.config.loader.valid_part import Faults, meant_keys, valid_part
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.diaspora_toml import why_not_a_setting
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import (
    ConfigError,
    Location,
    Problem,
    join_path,
    key_path,
    located_problems,
    missing_key,
    quoted,
    refused,
    unknown_key,
)
from diaspora_infra.config.provisioning.server import (
    Provisioning,
    ProvisioningSettings,
    check_provisioning,
    check_provisioning_host,
)
from diaspora_infra.config.pxe.pxe import Pxe
from diaspora_infra.config.secrets import SECRET_KEYS, SECRETS, secret_for_path
from diaspora_infra.config.settings import IgnitionExport, Settings, WrittenSettings
from diaspora_infra.config.types import Target

KEYS = ("target", "pod", "host", "pxe", "aws", "ignition", "provisioning")
PROVISIONING_KEYS = ("target", "host", "provisioning")

_Model = TypeVar("_Model", bound=Model)


def load_stack(values: Mapping[str, Any], secrets: Collection[str] = ()) -> Settings | ProvisioningSettings:
    """Build the settings of a stack of any target; see `load`."""
    if values.get("target") != Target.PROVISIONING:
        return load(values, secrets)
    loader = _Loader(values, secrets)
    settings = loader.load_provisioning()
    if loader.problems:
        raise ConfigError(loader.problems)
    return settings


def load_provisioning(values: Mapping[str, Any]) -> Provisioning:
    """Build the settings of a provisioning server from its key alone. Raises ConfigError with all problems."""
    loader = _Loader(values, ())
    provisioning = loader.provisioning()
    if loader.problems:
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
    if loader.problems:
        raise ConfigError(loader.problems)
    return written


class _Loader:
    """Reads the keys one by one and collects the problems. What it returns has the values that are valid."""

    def __init__(self, values: Mapping[str, Any], secrets: Collection[str]) -> None:
        self.values = values
        self.secrets = secrets
        self.problems: list[Problem] = []

    def load(self) -> WrittenSettings:
        """What the user wrote."""
        unknown = self._check_keys()
        target = self._target()
        stack = WrittenSettings.model_construct(
            target=target or Target.IGNITION,
            pod=self._section("pod", Pod, required=True),
            host=self._section("host", Host, required=True),
            pxe=self._section("pxe", Pxe, required=target is Target.PXE),
            aws=self._section("aws", Aws, required=target is Target.AWS),
            ignition=self._section("ignition", IgnitionExport) or IgnitionExport(),
            provisioning=self._section("provisioning", Provisioning),
        )
        given = {*self.secrets, *map(str, self.values)}
        meant = meant_keys(unknown, {*KEYS, *SECRET_KEYS} - given)
        stack = stack.without(meant if target else {*meant, "target"})
        elsewhere = {secret.key for problem in self.problems if (secret := secret_for_path(problem.path))}
        self.problems += check_stack(stack, given, elsewhere | meant)
        return stack

    def load_provisioning(self) -> ProvisioningSettings:
        """The settings of a provisioning server."""
        self._check_keys()
        for key in KEYS:
            if key in self.values and key not in PROVISIONING_KEYS:
                self._note(key, "not used with target: provisioning; remove it")
        host, provisioning = self._section("host", Host, required=True), self.provisioning()
        self.problems += check_provisioning_host(host, provisioning)
        return ProvisioningSettings.model_construct(host=host, provisioning=provisioning)

    def provisioning(self) -> Provisioning:
        """The key `provisioning`, which is required."""
        provisioning = self._section("provisioning", Provisioning, required=True)
        self.problems += check_provisioning(provisioning)
        return provisioning

    def _check_keys(self) -> list[str]:
        """Note what is wrong with the keys; returns those that nobody knows."""
        unknown = []
        for key in map(str, self.values):
            secret = next((secret for secret in SECRETS if secret.key == key), None)
            if secret:
                self._note(key, f"not encrypted; run: {secret.command}")
            elif key not in KEYS:
                self.problems.append(unknown_key(key_path(key), key, KEYS, SECRET_KEYS))
                unknown.append(key)
        return unknown

    def _target(self) -> Target | None:
        value = self.values.get("target")
        if isinstance(value, str) and value in list(Target):
            return Target(value)
        allowed = ", ".join(Target)
        self._note("target", f"required; allowed: {allowed}" if value in (None, "") else refused(value, allowed))
        return None

    @overload
    def _section(self, key: str, model: type[_Model], *, required: Literal[True]) -> _Model: ...

    @overload
    def _section(self, key: str, model: type[_Model], *, required: bool = False) -> _Model | None: ...

    def _section(self, key: str, model: type[_Model], *, required: bool = False) -> _Model | None:
        """What is valid of a section. None where nothing is written, and nothing is required."""
        if key not in self.values:
            if not required:
                return None
            self.problems.append(missing_key(key, WrittenSettings, key))
            return valid_part(model, None, Faults())
        wrong = dict(_refused_values(key, self.values[key]))
        table = _without(key, self.values[key], wrong) if wrong else self.values[key]
        found = [*wrong.items()]
        try:
            section = model.model_validate(table, by_alias=True, by_name=False)
        except ValidationError as error:
            problems = located_problems(error, model, key)
            found += [((key, *place), problem) for place, problem in problems if not _within((key, *place), wrong)]
        else:
            if not found:
                return section
        return valid_part(model, table, self._faults(found))

    def _faults(self, found: Iterable[tuple[Location, Problem]]) -> Faults:
        """Note problems of a section; returns their places in it."""
        faults = Faults()
        for location, problem in found:
            specific = _hint(problem)
            self.problems.append(specific)
            if specific is problem:
                faults.at(location[1:]).here = True
            else:  # a key of which is known what it means, so that it stands for no other one
                faults.at(location[1:-1])
        return faults

    def _note(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


def _refused_values(key: str, section: object) -> Iterator[tuple[Location, Problem]]:
    """Values that no setting takes, with their places: secrets, keys that are not text, and what no file can hold."""
    rest: list[tuple[Location, object]] = [((key,), section)]
    while rest:
        location, value = rest.pop()
        path = join_path(*location)
        if value == ENCRYPTED:
            yield location, Problem(path, ENCRYPTED_MESSAGE)
        elif is_secure(value):
            yield location, Problem(path, "encrypted, but not a secret; set a plain value")
        elif isinstance(value, Mapping):
            for name, item in value.items():
                if _is_key(name):
                    rest.append(((*location, name), item))
                else:
                    yield (*location, quoted(name)), Problem(path, f"{quoted(name)} as a key; allowed: text in Unicode")
        elif isinstance(value, list):
            rest += [((*location, index), item) for index, item in enumerate(value)]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield location, Problem(path, refused(value, "a whole number of 64 bits"))
        elif isinstance(value, str) and not _is_unicode(value):
            yield location, Problem(path, refused(value, "text in Unicode, without U+FFFE and U+FFFF"))


def _without(key: str, section: object, refused: Container[Location]) -> object:
    """A copy of a section with nothing in place of each refused value, and without refused keys."""
    whole: dict[str | int, Any] = {}
    rest: list[tuple[Location, object, Any]] = [((key,), section, whole)]
    while rest:
        location, value, place = rest.pop()
        copy: object = value
        if location in refused:
            copy = None
        elif isinstance(value, Mapping):
            copy = dict.fromkeys(filter(_is_key, value))
            rest += [((*location, name), value[name], copy) for name in copy]
        elif isinstance(value, list):
            copy = [None] * len(value)
            rest += [((*location, index), item, copy) for index, item in enumerate(value)]
        place[location[-1]] = copy
    return whole[key]


def _within(location: Location, places: Container[Location]) -> bool:
    return any(location[:length] in places for length in range(1, len(location) + 1))


def _is_key(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and _is_unicode(name)


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
