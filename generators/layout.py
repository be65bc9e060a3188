"""Values of a program on one line, or on several where one is too short."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

WIDTH = 96


@dataclass(frozen=True)
class Braces:
    """What lies between two brackets: pairs of what stands before a value, such as its key, and the value."""

    start: str
    items: Sequence[tuple[str, "Node"]]
    end: str
    padding: str = ""
    """Stands inside the brackets where all is on one line."""


Node = str | Braces


@dataclass(frozen=True)
class Layout:
    """How a language is laid out."""

    tab: str = "    "
    aligned: bool = False
    """Values on lines that follow each other begin in one column, as gofmt writes them."""

    def text(self, node: Node, before: str = "") -> str:
        """The text of a value; `before` stands before it on its line."""
        line = _on_one_line(node)
        if isinstance(node, str) or not node.items or len(f"{before}{line},".expandtabs(4)) <= WIDTH:
            return line
        indent = before[: len(before) - len(before.lstrip())]
        inner = indent + self.tab
        lines = [(key, self.text(value, inner + key)) for key, value in node.items]
        parts = (f"{inner}{key}{value},\n" for key, value in (_aligned(lines) if self.aligned else lines))
        return f"{node.start}\n{''.join(parts)}{indent}{node.end}"


def _on_one_line(node: Node) -> str:
    if isinstance(node, str):
        return node
    if not node.items:
        return node.start + node.end
    items = ", ".join(key + _on_one_line(value) for key, value in node.items)
    return f"{node.start}{node.padding}{items}{node.padding}{node.end}"


def _aligned(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for several_lines, group in groupby(lines, key=lambda line: "\n" in line[1]):
        found = list(group)
        width = 0 if several_lines else max(len(key) for key, _ in found)
        yield from ((key.ljust(width), value) for key, value in found)
