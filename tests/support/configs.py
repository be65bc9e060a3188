"""Stack configs for tests, as plain data."""

from typing import Any

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org"


def pod(**changes: Any) -> dict[str, Any]:
    """The minimal config of a pod."""
    return {
        "domain": "pod.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "image": "registry.example.org/diaspora:0.9.1.0",
        **changes,
    }


def host(**changes: Any) -> dict[str, Any]:
    """The minimal config of a host."""
    return {"users": [{"name": "core", "sshAuthorizedKeys": [SSH_KEY]}], **changes}


def machine(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A machine of target pxe."""
    return {"name": f"pod{number}", "mac": f"52:54:00:00:{number // 256:02x}:{number % 256:02x}", **changes}


def pxe(*machines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The key pxe with these machines, or with one."""
    return {
        "matchbox": {"httpUrl": "http://matchbox.lan:8080", "rpcEndpoint": "matchbox.lan:8081"},
        "machines": list(machines) or [machine()],
        **changes,
    }


def pxe_config(**changes: Any) -> dict[str, Any]:
    """A whole config of target pxe, with a disk to install on."""
    config = {"target": "pxe", "pod": pod(), "host": host(), "pxe": pxe(), **changes}
    if isinstance(config["host"], dict):
        config["host"] = on_disk(config["host"])
    return config


def on_disk(host: dict[str, Any]) -> dict[str, Any]:
    """The same key host with a disk to install on."""
    return {**host, "storage": {"disk": "/dev/sda", **host.get("storage", {})}}


def ignition_config(**changes: Any) -> dict[str, Any]:
    """A whole config of target ignition."""
    return {"target": "ignition", "pod": pod(), "host": host(), **changes}


S3FS_IMAGE = "registry.example.org/s3fs:1"
"""Image of one's own, with uploads in a bucket."""


def aws_config(*, pod_changes: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A whole config of target aws; `changes` are those of the key aws."""
    uploads = {} if changes.get("uploads") == "volume" else {"uploadsImage": S3FS_IMAGE}
    return {"target": "aws", "pod": pod(**(pod_changes or {})), "host": host(), "aws": {**uploads, **changes}}


def without_images(values: dict[str, Any]) -> dict[str, Any]:
    """A config of target aws whose stack builds the images, once a month."""
    pod = {key: value for key, value in values["pod"].items() if key != "image"}
    aws = {key: value for key, value in values["aws"].items() if key != "uploadsImage"}
    return {**values, "pod": {**pod, "imageRefresh": True}, "aws": aws}


def mail() -> dict[str, Any]:
    """Mail settings that need the secret smtpPassword."""
    return {
        "senderAddress": "no-reply@pod.example.org",
        "smtp": {"host": "smtp.example.org", "username": "pod"},
    }


def provisioning_config(*, dhcp: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A whole config of target provisioning."""
    server = {"httpUrl": "http://192.168.77.5:8080", "dhcp": dhcp or {"network": "192.168.77.0/24"}, **changes}
    return {"target": "provisioning", "host": host(), "provisioning": server}


def full_dhcp(**changes: Any) -> dict[str, Any]:
    """DHCP settings of a provisioning server that assigns addresses."""
    return {
        "mode": "full",
        "network": "192.168.77.0/24",
        "firstAddress": "192.168.77.100",
        "lastAddress": "192.168.77.150",
        **changes,
    }
