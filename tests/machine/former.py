"""A machine of a former version of this project, as machines exist that nobody has installed again."""

from pathlib import Path

FORMER = Path(__file__).with_name("former_machine.json")
"""The config that this project wrote on 2026-11-29, before containers had users of their own on the machine."""
