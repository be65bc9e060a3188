"""Generators of documentation from the code: the settings page, the JSON Schema, the cost page. Not in the wheel."""
