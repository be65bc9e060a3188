"""A summary of the engine's run, in one line."""


def changes(output: str) -> str:
    """Keep the counts of changed resources from the engine's output."""
    lines = output.splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith("Resources:")), None)
    if start is None:
        return output
    counts = [line.strip() for line in lines[start + 1 :] if line.startswith("    ")]
    changed = [count for count in counts if not count.endswith("unchanged")]
    if not counts:
        return "  no resources"
    return "  " + (", ".join(counts) if changed else f"nothing changed ({', '.join(counts)})")
