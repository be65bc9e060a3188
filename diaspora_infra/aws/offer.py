"""The offer of a bundle: the object that holds it, and the line in a parameter that names the object."""

import hashlib

BUNDLES = "bundles"
"""Folder of the bundles in their bucket."""


def object_key(config: str) -> str:
    """Name of the object that holds a bundle: it changes with the bundle."""
    return f"{BUNDLES}/{hashlib.sha256(config.encode()).hexdigest()[:32]}.ign"


def offer_of(bucket: str, config: str, bundle_hash: str) -> str:
    """What the machine reads in the parameter: where the bundle is, its SHA-512, and its hash."""
    return f"s3://{bucket}/{object_key(config)} sha512-{hashlib.sha512(config.encode()).hexdigest()} {bundle_hash}"
