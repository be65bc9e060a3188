"""The environment of the AWS provider: with it the provider reaches the simulator only, never the podmin's account."""

import os
from collections.abc import Mapping

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")


def provider_environment(endpoint: str, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a provider whose account is at `endpoint`.

    S3 needs no setting: where the endpoint is an IP address, the SDK puts the bucket into the path.
    """
    other = {name: value for name, value in inherited.items() if not _leads_elsewhere(name.upper())}
    return {
        **other,
        "AWS_ENDPOINT_URL": endpoint,
        # names such as ACCOUNT.127.0.0.1, which the provider makes for S3 control, reach the simulator as their proxy
        "HTTP_PROXY": endpoint,
        "AWS_ACCESS_KEY_ID": "simulator",
        "AWS_SECRET_ACCESS_KEY": "simulator",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _leads_elsewhere(name: str) -> bool:
    """Tell whether a variable (profile, role, endpoint, proxy) could lead to another account."""
    return name in _PROXIES or (name.startswith("AWS_") and name not in _REGION)
