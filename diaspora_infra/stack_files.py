"""Reading a stack file with the files that it names: machines (`pxe.machineFiles`) and snippets (`host.snippetFiles`).

`diaspora-infra` and the program of a stack read them in the same way.
"""

import glob
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import BaseModel

from diaspora_infra.config import ConfigError, Problem, StackFile, parse_stack_file
from diaspora_infra.config.files import with_file_names
from diaspora_infra.config.loader.stack_file import decode_text, read_yaml
from diaspora_infra.config.problems import describe_type, refused

_Model = TypeVar("_Model", bound=BaseModel)
Load = Callable[[Mapping[str, Any], Collection[str]], _Model]


def read_stack_file(path: Path) -> StackFile:
    """Read a stack file, and the files that it names. Raises OSError, and ConfigError where nothing can be loaded."""
    return add_files(parse_stack_file(path.read_bytes(), str(path)), project_folder(path))


def project_folder(stack_file: Path) -> Path:
    """The folder that names of files start at: that of Pulumi.yaml, where the program runs, else the stack file's."""
    folder = stack_file.absolute().parent
    return next((parent for parent in (folder, *folder.parents) if (parent / "Pulumi.yaml").is_file()), folder)


def load_file(load: Load[_Model], file: StackFile, more_secrets: Collection[str] = ()) -> _Model:
    """Build the settings of a stack file. Raises ConfigError with all problems, each with the file that it is in."""
    names = file.file_names
    try:
        settings = load(file.values, file.secrets.union(more_secrets))
    except ConfigError as error:
        found = (
            Problem(with_file_names(problem.path, names), with_file_names(problem.message, names))
            for problem in error.problems
            if problem.path not in file.incomplete
        )
        raise ConfigError([*file.problems, *found]) from None
    if file.problems:
        raise ConfigError(file.problems)
    if "file_names" not in type(settings).model_fields:
        return settings
    return settings.model_copy(update={"file_names": file.file_names})


def load_with_secrets(load: Load[_Model], file: StackFile, assumed: Collection[str]) -> _Model:
    """Build the settings of a stack file; those of the secrets `assumed` that it lacks count as set."""
    try:
        return load_file(load, file)
    except ConfigError as error:
        lacking = {problem.path for problem in error.problems}.intersection(assumed) - file.values.keys() - file.secrets
        if not lacking:
            raise
    return load_file(load, file, lacking)


def add_files(file: StackFile, folder: Path) -> StackFile:
    """Put the machines and snippets of files behind those of the stack file; what is wrong with a file is noted."""
    reading = _Reading(folder)
    values = dict(file.values)
    incomplete: set[str] = set()
    for key, names_key, list_key, read in (
        ("pxe", "machineFiles", "machines", reading.machines),
        ("host", "snippetFiles", "snippets", reading.snippets),
    ):
        table = values.get(key)
        if not isinstance(table, dict) or names_key not in table:
            continue
        rest = {name: value for name, value in table.items() if name != names_key}
        own = rest.get(list_key, [])
        earlier = len(reading.problems)
        added = read(f"{key}.{names_key}", table[names_key])
        if isinstance(own, list):  # else it has a problem of its own
            if len(reading.problems) > earlier:
                incomplete.add(f"{key}.{list_key}")
            reading.names |= {f"{key}.{list_key}[{len(own) + index}]": name for index, (name, _) in enumerate(added)}
            rest[list_key] = [*own, *(entry for _, entry in added)]
        values[key] = rest
    problems = (*file.problems, *reading.problems)
    return replace(file, values=values, problems=problems, file_names=reading.names, incomplete=frozenset(incomplete))


Added = list[tuple[str, Any]]
"""What files hold: where it is, for messages, and the entry."""


@dataclass
class _Reading:
    """Reads the files of a stack, and collects their problems."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def machines(self, key: str, patterns: object) -> Added:
        """The machines of all files; a file holds one, or a list."""
        return [entry for name in self._files(key, patterns) for entry in self._machines_in(name)]

    def snippets(self, key: str, patterns: object) -> Added:
        """The text of each file."""
        found = ((name, self._text(name)) for name in self._files(key, patterns))
        return [(name, text) for name, text in found if text is not None]

    def _machines_in(self, name: str) -> Added:
        text = self._text(name)
        if text is None:
            return []
        try:
            content = read_yaml(text, name)
        except ConfigError as error:
            self.problems += [
                problem if problem.path == name else _in_file(name, problem) for problem in error.problems
            ]
            return []
        if isinstance(content, dict):
            return [(f"{name}: ", content)]
        if isinstance(content, list):
            return [(f"{name}: [{index}]", entry) for index, entry in enumerate(content)]
        self._note(
            name, f"{describe_type(content)} given; allowed: a machine as a table of keys, or a list of machines"
        )
        return []

    def _text(self, name: str) -> str | None:
        try:
            return decode_text((self.folder / name).read_bytes(), name)
        except OSError as error:
            self._note(name, f"cannot be read ({error.strerror}); allowed: a readable file")
        except ConfigError as error:
            self.problems += error.problems
        return None

    def _files(self, key: str, patterns: object) -> list[str]:
        """Names of the files that match, each once: pattern by pattern, and sorted for each."""
        if not isinstance(patterns, list):
            self._note(key, refused(patterns, "a list of files"))
            return []
        found = (name for index, entry in enumerate(patterns) for name in self._matches(f"{key}[{index}]", entry))
        return list(dict.fromkeys(found))

    def _matches(self, key: str, pattern: object) -> Iterator[str]:
        if not isinstance(pattern, str) or not pattern or "\0" in pattern:
            self._note(key, refused(pattern, "the name of a file, or a pattern such as machines/*.yaml"))
            return
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts:
            self._note(key, f"{pattern!r} leaves the project's folder; allowed: a path below that folder")
            return
        # unlike Path.glob it leaves out hidden files, such as those of an editor
        names = sorted(glob.glob(pattern, root_dir=self.folder, recursive=True))  # noqa: PTH207
        if not names:
            self._note(key, f"no file matches {pattern!r}; create one in the project's folder, or correct the pattern")
        for name in names:
            if self._is_allowed(key, name):
                yield PurePosixPath(name).as_posix()

    def _is_allowed(self, key: str, name: str) -> bool:
        """Refuse what is no file, and what is elsewhere: a link may lead to any file of this computer."""
        try:
            place = (self.folder / name).resolve(strict=True)
        except (OSError, RuntimeError):
            self._note(key, f"{name} is a link that leads nowhere; remove it")
            return False
        if not place.is_relative_to(self.folder.resolve()):
            self._note(key, f"{name} is a link out of the project's folder; put the file itself there")
        elif not place.is_file():
            self._note(key, f"{name} is not a file; allowed: files, such as {name}/*.yaml")
        else:
            return True
        return False

    def _note(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


def _in_file(name: str, problem: Problem) -> Problem:
    return Problem(f"{name}: {problem.path}", problem.message)
