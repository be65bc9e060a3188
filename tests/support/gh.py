"""A stand-in for `gh api`: issues and comments of one repository in a file, filters by jq.

`python gh.py FILE api …`; FILE holds `{"comments": […], "issues": […]}`. Everything else is an error.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BOT = {"login": "github-actions[bot]"}
KINDS = {
    "GET": {r"repos/o/r/issues/7/comments": "comments", r"repos/o/r/issues": "issues"},
    "POST": {r"repos/o/r/issues/7/comments": "comments", r"repos/o/r/issues": "issues"},
    "PATCH": {r"repos/o/r/issues/comments/(\d+)": "comments", r"repos/o/r/issues/(\d+)": "issues"},
}


def main(file: Path, arguments: list[str]) -> None:
    """Answer one call."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("api", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--method", default="GET", choices=KINDS)
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--jq", default=".")
    parser.add_argument("--field", action="append", default=[])
    parser.add_argument("--raw-field", action="append", default=[])
    options = parser.parse_args(arguments)
    path = urlsplit(options.path).path
    found = [(kind, match) for pattern, kind in KINDS[options.method].items() if (match := re.fullmatch(pattern, path))]
    ((kind, match),) = found
    data = json.loads(file.read_text(encoding="utf-8"))
    fields = dict(field.split("=", 1) for field in options.raw_field)
    fields |= {name: value_of(value) for name, value in (field.split("=", 1) for field in options.field)}
    if options.method == "GET":
        shown = [entry for entry in data[kind] if entry.get("state", "open") == "open"]
        answer(shown, options.jq)
        return
    if options.method == "POST":
        number = 1 + sum(map(len, data.values()))
        data[kind].append({"id": number, "number": number, "user": BOT, "state": "open", **fields})
    else:
        (entry,) = [entry for entry in data[kind] if entry["id"] == int(match[1])]
        entry.update(fields)
    file.write_text(json.dumps(data), encoding="utf-8")


def value_of(text: str) -> str:
    """The value of a field; `@FILE` is the content of a file."""
    return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text


def answer(entries: list[Any], jq: str) -> None:
    """Print a filtered list, of two pages where there is more than one entry."""
    for page in (entries[:1], entries[1:]):
        subprocess.run(["jq", "-r", jq], input=json.dumps(page), text=True, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
