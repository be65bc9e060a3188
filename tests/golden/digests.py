"""`python -m tests.golden.digests` prints what fixed configs come to: digests of their bytes and of what they mean.

It is a program of its own so that any Python can run it that has the packages; it needs no engine and no pytest.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from diaspora_infra.aws.offer import object_key
from diaspora_infra.config import Settings, load_stack
from diaspora_infra.host import Rendered, render
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.served import meaning_digest, revision_of
from tests.support import configs

# long enough to be packed, in every place where Butane packs
_LONG = "".join(f"line {number} of a long file\n" for number in range(200))
_INLINE = json.dumps(_LONG)
_SNIPPET = f"""
variant: fcos
version: 1.5.0
ignition:
  config:
    merge: [{{inline: '{{"ignition": {{"version": "3.4.0"}}}}{" " * 500}'}}]
storage:
  files:
    - {{path: /etc/long, contents: {{inline: {_INLINE}}}}}
    - {{path: /etc/motd, append: [{{inline: {_INLINE}}}]}}
    - {{path: /etc/diaspora/long, contents: {{inline: {_INLINE}}}}}
    - {{path: /etc/diaspora/diaspora.toml, overwrite: true, contents: {{inline: {_INLINE}}}}}
"""
_SECRETS = dict.fromkeys(("smtpPassword", "backupPassword"), "stand-in-for-a-password")


def _configs() -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Configs by name, each with the secrets that it needs."""
    rich = {"pod": configs.pod(mail=configs.mail(), backup={}), "host": configs.host(snippets=[_SNIPPET])}
    on_aws = configs.aws_config(region="eu-west-1", pod_changes={"backup": {}})
    return {
        "pxe": (configs.pxe_config(pxe=configs.pxe(configs.machine(1), configs.machine(2, disk="/dev/vda"))), {}),
        "pxe, rich": (configs.pxe_config(**rich), _SECRETS),
        "ignition": (configs.ignition_config(), {}),
        "ignition, rich": (configs.ignition_config(**rich), _SECRETS),
        "aws": (configs.aws_config(region="eu-west-1"), {}),
        "aws, rich": ({**on_aws, "host": configs.host(snippets=[_SNIPPET])}, _SECRETS),
        "provisioning": (configs.provisioning_config(), {}),
        "provisioning, rich": (
            {**configs.provisioning_config(dhcp=configs.full_dhcp()), "host": configs.host(snippets=[_SNIPPET])},
            {},
        ),
    }


def digests() -> dict[str, dict[str, str]]:
    """Digests by config and machine."""
    found = {}
    for name, (values, secrets) in _configs().items():
        settings = load_stack(values, list(secrets))
        for machine in settings.machines:
            rendered = render(settings, machine, secrets)
            found[f"{name}: {machine.name}"] = {
                "meaning": meaning_digest(rendered.ignition),
                "bytes": hashlib.sha256(rendered.ignition.encode()).hexdigest(),
                **dict(_of_target(settings, machine, rendered)),
            }
    return found


def _of_target(settings: Any, machine: Any, rendered: Rendered) -> Iterator[tuple[str, str]]:
    if settings.target == "pxe" and isinstance(settings, Settings):
        boot = install_boot(**install_settings(settings, machine))
        yield "revision", revision_of(machine.name, rendered.ignition, boot, secret=rendered.secret)
    if rendered.parts is not None:
        yield "own part", hashlib.sha256(rendered.parts.own.encode()).hexdigest()
        yield "key", object_key(rendered.parts.bundle)


def main() -> None:
    """Print the digests as JSON."""
    print(json.dumps(digests(), indent=1))


if __name__ == "__main__":
    main()
