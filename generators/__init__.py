"""Generators of what follows from the settings and prices: two pages, the JSON Schema, the types of the tables.

They are not in the wheel.
"""
