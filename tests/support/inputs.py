"""What a test follows from, as the text of its module says: modules that it imports, and files that it names.

Nothing is loaded. A module counts with all that it imports, at the top or later, and with the files and folders whose
name it holds as a text, beside it or in a folder above; so with the modules of the commands that it names. Of a
conftest.py only the fixtures of the test are followed. tests/support/reads.py shows what a test reads beside that.
"""

import ast
import functools
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
# where Python looks for the modules of this project
_ROOTS = (PROJECT, PROJECT / "butane-py/src", PROJECT / "butane-py/tests")
# a search for these is twenty times faster than a walk through the syntax tree
_FROM = re.compile(r"^[ \t]*from[ ]+([\w.]+)[ ]+import[ ]+(\([^)]*\)|[^\n]*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ ]+([^\n]*)", re.MULTILINE)
_COMPUTED = re.compile(r"\bimport_module\(\s*[^\s\"')]")
_JOINT = re.compile(r"[\"']\s*/\s*[\"']")
_STARTED = re.compile(r"[\"']-m[\"'],\s*[\"']([\w.]+)[\"']")
_TEXT = re.compile(r"[\"'](\w[\w./-]{0,200})[\"']")


def inputs_of(module: Path, fixtures: Collection[str], named: Iterable[Path] = ()) -> frozenset[Path]:
    """Files of modules, and files and folders that these name, from which a test with these fixtures follows."""
    conftests = [folder / "conftest.py" for folder in module.parents if folder.is_relative_to(PROJECT)]
    used = {entry for conftest in conftests if conftest.is_file() for entry in _of_fixtures(conftest, fixtures)}
    return closure({module, *used, *named})


def closure(entries: Iterable[Path]) -> frozenset[Path]:
    """These files and folders, and all that follows from the modules among them or in them."""
    found: set[Path] = set()
    left = list(entries)
    while left:
        entry = left.pop()
        if entry in found:
            continue
        found.add(entry)
        # its fixtures have been followed
        if entry.name == "conftest.py":
            continue
        if entry.suffix == ".py" and entry.is_file():
            left += _references(entry) | _packages(entry)
        elif entry.is_dir():
            left += entry.rglob("*.py")
    return frozenset(found)


@functools.cache
def _references(module: Path) -> frozenset[Path]:
    return frozenset(_named(module, module.read_text(encoding="utf-8")))


def _packages(module: Path) -> frozenset[Path]:
    """The packages that a module is in: Python loads them first."""
    return frozenset(folder / "__init__.py" for folder in module.parents) & entries()


def _of_fixtures(conftest: Path, fixtures: Collection[str]) -> Iterator[Path]:
    """The conftest.py itself, and what those of the fixtures name that are in it."""
    yield conftest
    for name in fixtures:
        yield from _of_name(conftest, name)


@functools.cache
def _of_name(conftest: Path, name: str) -> frozenset[Path]:
    """What a name at the top of a module brings: an import, or a definition with all names that it uses."""
    definitions = _definitions(conftest)
    used: set[str] = set()
    left = [name]
    found: set[Path] = set()
    while left:
        name = left.pop()
        if name in used or name not in definitions:
            continue
        used.add(name)
        found.update(_named(conftest, ast.unparse(definitions[name])))
        left += [node.id for node in ast.walk(definitions[name]) if isinstance(node, ast.Name)]
    return frozenset(found)


@functools.cache
def _definitions(module: Path) -> dict[str, ast.AST]:
    """The statement that defines each name at the top of a module."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(module.read_bytes()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                one = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
                found[alias.asname or alias.name.partition(".")[0]] = one
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


def _named(module: Path, text: str) -> Iterator[Path]:
    """Modules and other files that a part of a module names."""
    for name in imports(text):
        yield from _modules(name)
    if module.name == "__init__.py" and _COMPUTED.search(text):
        # a package that loads its parts when they are used
        yield from module.parent.rglob("*.py")
    for name in _STARTED.findall(text):
        yield from _modules(f"{name}.__main__")
    for name in _TEXT.findall(_JOINT.sub("/", text)):
        yield from _files(name, module)


def imports(text: str) -> Iterator[str]:
    """Names of modules, or of what they define, that a text in Python imports; more where a comment looks so."""
    for module, names in _FROM.findall(text):
        yield module
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", names))
    for names in _IMPORT.findall(text):
        yield from re.findall(r"[\w.]+", names)


def _files(text: str, module: Path) -> Iterator[Path]:
    """What a text in a module may stand for: a module to be loaded or started, or a file or folder beside it."""
    if text in _commands():
        # elsewhere a message names it
        if _is_test(module):
            yield from _modules(_commands()[text])
        return
    if "." in text and text.replace(".", "").isidentifier():
        yield from _modules(text)
        yield from _modules(f"{text}.__main__")
    for folder in module.parents:
        # programs of this name start stacks: that of the project, where it is not one of an example
        if folder.is_relative_to(PROJECT) and (text != "__main__.py" or folder == PROJECT):
            yield from (entry for entry in _entry(folder, text) if _may_read(module, entry))


def _may_read(module: Path, entry: Path) -> bool:
    """Pages are read by tests; elsewhere a message names them."""
    return entry.suffix != ".md" or _is_test(module)


def _is_test(module: Path) -> bool:
    return "tests" in module.relative_to(PROJECT).parts


def _entry(folder: Path, text: str) -> Iterator[Path]:
    """The file or folder of this name in a folder, or else the folder where the name begins; no package."""
    for entry in (folder / text, folder / text.partition("/")[0]):
        if entry in entries():
            if entry / "__init__.py" not in entries():
                yield entry
            return


@functools.cache
def _commands() -> dict[str, str]:
    """The module of each command that the packages of this project install."""
    found: dict[str, str] = {}
    for file in (PROJECT / "pyproject.toml", PROJECT / "butane-py/pyproject.toml"):
        scripts = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["scripts"]
        found |= {name: place.partition(":")[0] for name, place in scripts.items()}
    return found


def _modules(name: str) -> Iterator[Path]:
    """The module of this name, and the packages that it is in."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        file = _names().get(".".join(parts[:end]))
        if file:
            yield file


@functools.cache
def _names() -> dict[str, Path]:
    """The file of each module of this project, by the names by which modules import it."""
    found: dict[str, Path] = {}
    for root in reversed(_ROOTS):
        for file in (entry for entry in entries() if entry.suffix == ".py" and entry.is_relative_to(root)):
            parts = file.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@functools.cache
def entries() -> frozenset[Path]:
    """All files and folders of this project, but what is made in it."""
    found: set[Path] = set()
    for folder, folders, files in os.walk(PROJECT):
        folders[:] = [name for name in folders if name[0] != "." and name != "__pycache__"]
        found.update(Path(folder, name) for name in (*folders, *files))
    return frozenset(found)
