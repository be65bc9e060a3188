"""`storage.trees`: a directory of local files, embedded as it is."""

from __future__ import annotations

import posixpath
from typing import Any, Final

from butane import data_url
from butane.decode import Document
from butane.files import FileError, Found
from butane.ignition import Ignition
from butane.ignition_rules import clean_path
from butane.report import Path
from butane.translation import NO_FILES, TranslationState

_TAKEN: Final = "the tree holds {}, which exists in the document with contents of its own or as something else"
_KINDS: Final = ("files", "directories", "links")


def add_trees(state: TranslationState) -> None:
    """Add the nodes of each tree after those of the user; files and links that the user left open are filled."""
    trees = state.document.get("storage", {}).get("trees", ())
    if not trees:
        return
    nodes = _Nodes(state)
    for index, tree in enumerate(trees):
        path = ("storage", "trees", index)
        if state.files is None:
            state.report.error(path, NO_FILES)
            return
        try:
            for found in state.files.walk(tree.get("local", "")):
                if isinstance(found, FileError):
                    state.report.error(path, str(found))
                else:
                    nodes.add(found, tree, path)
        except FileError as problem:
            state.report.error(path, str(problem))


class _Nodes:
    """The nodes of the document by path."""

    def __init__(self, state: TranslationState) -> None:
        self.state = state
        self.storage: Ignition = state.ignition.setdefault("storage", {})
        self.index: dict[str, dict[str, int]] = {
            kind: {node.get("path", ""): number for number, node in enumerate(self.storage.get(kind, ()))}
            for kind in _KINDS
        }

    def add(self, found: Found, tree: Document, path: Path) -> None:
        place = clean_path(posixpath.join(tree.get("path") or "/", found.path or "."))
        if found.kind == "directory":
            self.directory(place, tree, path)
        elif found.kind == "file":
            self.file(place, found, tree, path)
        elif found.kind == "link":
            self.link(place, found, tree, path)
        else:
            self.state.report.error(path, "a tree may only hold files, directories and symbolic links")

    def directory(self, place: str, tree: Document, path: Path) -> None:
        if "dir_mode" not in tree and not tree.get("user") and not tree.get("group"):
            return  # made with the files in it
        node = self.node("directories", place, tree, path)
        if node is not None:
            node["mode"] = tree.get("dir_mode", 0o755)

    def file(self, place: str, found: Found, tree: Document, path: Path) -> None:
        node = self.open_node("files", place, tree, path)
        if node is None:
            return
        contents: Ignition = node.setdefault("contents", {})
        if contents.get("source"):
            self.state.report.error(path, _TAKEN.format(place))
            return
        contents["source"], compression = data_url.encode(
            found.contents, contents.get("compression"), compress=self.state.compress
        )
        at = ("storage", "files", self.index["files"][place])
        origins = self.state.origins
        origins.only[(*at, "contents")] = path
        origins.generated[(*at, "contents", "source")] = path
        if compression is not None:
            contents["compression"] = compression
            origins.generated[(*at, "contents", "compression")] = path
        if "mode" not in node:
            node["mode"] = tree.get("file_mode", 0o755 if found.executable else 0o644)
            origins.generated[(*at, "mode")] = path

    def link(self, place: str, found: Found, tree: Document, path: Path) -> None:
        node = self.open_node("links", place, tree, path)
        if node is None:
            return
        if node.get("target"):
            self.state.report.error(path, _TAKEN.format(place))
            return
        node["target"] = found.link
        self.state.origins.generated[("storage", "links", self.index["links"][place], "target")] = path

    def open_node(self, kind: str, place: str, tree: Document, path: Path) -> Ignition | None:
        """Return the user's node of that kind and path, or a new one."""
        number = self.index[kind].get(place)
        if number is not None:
            node: Ignition = self.storage[kind][number]
            return node
        return self.node(kind, place, tree, path)

    def node(self, kind: str, place: str, tree: Document, path: Path) -> Ignition | None:
        """Add a new node; a path that the document has already is refused."""
        if any(place in known for known in self.index.values()):
            self.state.report.error(path, _TAKEN.format(place))
            return None
        nodes: list[Any] = self.storage.setdefault(kind, [])
        self.index[kind][place] = len(nodes)
        at = ("storage", kind, len(nodes))
        node: Ignition = {"path": place}
        for owner in ("user", "group"):
            if tree.get(owner):
                node[owner] = dict(tree[owner])
        nodes.append(node)
        self.state.origins.whole[at] = path
        if len(nodes) == 1:
            self.state.origins.only[("storage", kind)] = path
        return node
