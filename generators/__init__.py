"""Generators of what follows from the code: pages, the JSON Schema, types of the tables, the schema of the package.

They are not in the wheel.
"""
