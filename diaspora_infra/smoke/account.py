"""The account of a stack, by boto3."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from diaspora_infra.config import ConfigError, Problem
from diaspora_infra.smoke.stack_state import PodStack

Client = Callable[..., Any]
_PACKAGES = {"boto3": "boto3", "dns": "dnspython"}
_LOG_IN = "log in again, or set AWS_PROFILE"


def check_packages(command: str = "smoke") -> None:
    """Raises ConfigError where the packages of the extra `aws` are missing, which a command needs."""
    missing = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        fix = "run `python3 -m tools.environment --aws` in a checkout, else `pip install 'diaspora-infra[aws]'`"
        raise ConfigError([Problem(command, f"not installed: {', '.join(missing)}; {fix}")])


def clients(stack: PodStack) -> Client:
    """Clients of the stack's account and region. Raises ConfigError where the credentials are not of that account."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NotConnectedError

    config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 2, "mode": "standard"})
    try:
        session = boto3.Session(profile_name=stack.profile, region_name=stack.region)
        account = session.client("sts", config=config).get_caller_identity()["Account"]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "?")
        raise _error(f"AWS refuses them ({code}); {_LOG_IN}") from None
    except (NotConnectedError, HTTPClientError) as error:
        raise ConfigError([Problem("AWS", f"not reached ({error}); see to the network")]) from None
    except BotoCoreError as error:
        raise _error(f"{error}; {_LOG_IN}") from None
    if account != stack.account:
        raise _error(f"they are of account {account}, the stack is in {stack.account}; use those of that account")

    def client(service: str, region: str | None = None) -> Any:
        return session.client(service, region_name=region, config=config)

    return client


def _error(message: str) -> ConfigError:
    return ConfigError([Problem("AWS credentials", message)])
