"""User data: an Ignition config as EC2 hands it to a new machine, or a checked pointer to one that is too long."""

import hashlib
import json

USER_DATA_MAX_BYTES = 16384
"""Bytes of user data that EC2 takes, before base64 (EC2 User Guide)."""

CONFIGS = "ignition"
"""Folder of the configs in their bucket."""

POINTER_VERSION = "3.4.0"
"""Ignition version of the config that points to another one."""


def fits_user_data(ignition: str) -> bool:
    """Whether a config can be user data as it is."""
    return len(ignition.encode()) <= USER_DATA_MAX_BYTES


def object_key(ignition: str) -> str:
    """Name of the object that holds a config: it changes with the config."""
    return f"{CONFIGS}/{hashlib.sha256(ignition.encode()).hexdigest()[:32]}.ign"


def replace_config(bucket: str, ignition: str) -> str:
    """An Ignition config that fetches another from a bucket with the machine's role, and refuses it if it changed."""
    replace = {
        "source": f"s3://{bucket}/{object_key(ignition)}",
        "verification": {"hash": f"sha512-{hashlib.sha512(ignition.encode()).hexdigest()}"},
    }
    return json.dumps({"ignition": {"version": POINTER_VERSION, "config": {"replace": replace}}})
