"""The Butane package, beside the Go program started once a document, and beside parsing the YAML alone."""

import json
import subprocess
import time
import tracemalloc
from collections.abc import Callable

import yaml

import butane
from benchmarks.stacks import stack_values
from diaspora_infra.config import load
from diaspora_infra.host import render
from tools import tool_path

_DOCUMENTS = 1000
_STARTS = 100


def print_butane() -> None:
    """Print a table: milliseconds a document, ratios, and the memory of the first and the last hundred documents."""
    texts = _documents()
    binary = str(tool_path("butane"))
    ours = _milliseconds(lambda text: butane.translate(text, strict=True).text(), texts)
    floor = _milliseconds(lambda text: json.dumps(yaml.load(text, yaml.CSafeLoader)), texts)
    go = _milliseconds(
        lambda text: subprocess.run([binary, "--strict"], input=text, capture_output=True, text=True, check=True),
        texts[:_STARTS],
    )
    print(f"Butane: a document of {len(texts[0])} bytes, {_DOCUMENTS} of them in one process")
    print(f"{'':<34} {'ms each':>8} {'ours is':>10}")
    print(f"{'translate':<34} {ours:>8.2f}")
    print(f"{'C parser of PyYAML + json.dumps':<34} {floor:>8.2f} {ours / floor:>9.2f}x")
    print(f"{'the Go program, a start each':<34} {go:>8.2f} {ours / go:>9.2f}x")
    early, late = _memory(texts)
    print(f"memory held after 100 documents {early / 1000:.0f} kB, after {_DOCUMENTS} {late / 1000:.0f} kB")


def _documents() -> list[str]:
    """Documents of the size of a pod's, hardly a file the same in two of them."""
    settings = load(stack_values(1))
    text = render(settings, settings.machines[0], {}).butane_text()
    # a number in every comment: hardly a file is the same in two documents
    return [text.replace("# ", f"# {number} ") for number in range(_DOCUMENTS)]


def _milliseconds(run: Callable[[str], object], texts: list[str]) -> float:
    run(texts[0])
    start = time.perf_counter()
    for text in texts:
        run(text)
    return (time.perf_counter() - start) * 1000 / len(texts)


def _memory(texts: list[str]) -> tuple[int, int]:
    tracemalloc.start()
    held = []
    for number, text in enumerate(texts, start=1):
        butane.translate(text, strict=True).text()
        if number in {100, _DOCUMENTS}:
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held[0], held[1]
