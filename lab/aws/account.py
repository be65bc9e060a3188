"""The simulated account: the server, and what the engine needs to work on it."""

import json
import os
import shlex
import socket
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lab.aws import real_plugin
from lab.aws.bridge import VERSION
from lab.aws.environment import provider_environment
from lab.aws.simulator.refusals import PATH as REFUSALS
from lab.background import Background
from lab.engine import PROJECT, Plugin
from lab.errors import LabError

ADDRESS = "127.0.0.1"
# our own server is asked directly, never through a proxy
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Account:
    """An account whose log and process id lie in `folder`. It lives in memory: a stop forgets everything."""

    folder: Path
    port: int
    bridge_port: int = 0
    """Port of a provider plugin that serves all runs of the engine; 0 where each run starts its own."""

    @property
    def endpoint(self) -> str:
        """Address of all its services."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._process.log

    @property
    def bridge_log(self) -> Path:
        """The provider plugin's log."""
        return self.folder / "bridge-calls.log"

    @cached_property
    def _process(self) -> Background:
        return Background(self.folder, "simulator", f"lab.aws.simulator.server {self.port}", seconds=60)

    @cached_property
    def _bridge(self) -> Background:
        return Background(self.folder, "bridge", "lab.aws.bridge.plugin", seconds=60)

    def start(self) -> bool:
        """Start the server unless it runs; returns whether it was started. Raises LabError."""
        if self._process.running():
            return False
        if self._answers():
            raise LabError(f"another program uses port {self.port} of {ADDRESS}; stop that program")
        command = [sys.executable, "-m", "lab.aws.simulator.server", str(self.port)]
        self._process.start(command, self._answers, provider_environment(self.endpoint))
        if self.bridge_port:
            environment = {**os.environ, **self.variables(), "LAB_AWS_PORT": str(self.bridge_port)}
            self._bridge.start([sys.executable, "-m", "lab.aws.bridge.plugin"], self._bridge_listens, environment)
        return True

    def running(self) -> bool:
        """Tell whether the server that this folder started still runs."""
        return self._process.running()

    def stop(self) -> bool:
        """Stop the server if this folder started it; returns whether it was stopped."""
        self._bridge.stop()
        return self._process.stop()

    def reset(self) -> None:
        """Empty the account."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")  # noqa: S310 - our own
        with _opener.open(request, timeout=10):
            pass

    def refuse(self, codes: Mapping[str, str]) -> None:
        """Refuse these actions of EC2 or RDS, such as RunInstances, with these codes; no more than these."""
        body = json.dumps(dict(codes)).encode()
        request = urllib.request.Request(f"{self.endpoint}{REFUSALS}", body, method="POST")  # noqa: S310 - our own
        with _opener.open(request, timeout=10):
            pass

    def plugin(self) -> Plugin:
        """The provider plugin for this account: the real one if it is on PATH in the right version, else the bridge.

        The installation decides which one, and a stack keeps it. The real plugin was never tested (real_plugin.py).
        """
        return Plugin("aws", VERSION, self._launcher)

    def variables(self) -> dict[str, str]:
        """Environment for the engine and its program."""
        attach = {"PULUMI_DEBUG_PROVIDERS": f"aws:{self.bridge_port}"} if self.bridge_port else {}
        return {
            "LAB_AWS_ENDPOINT": self.endpoint,
            "LAB_AWS_LOG": str(self.bridge_log),
            # what is allowed here is allowed at once
            "DIASPORA_INFRA_IAM_SECONDS": "0",
            # the engine would take a plugin on PATH of any version before what is installed, and go to AWS with it
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            **attach,
        }

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of one of its services, independent of the podmin's profiles and proxies."""
        return client_of(self.endpoint, service, region)

    def _launcher(self) -> Path:
        """A program that starts the real plugin or the bridge, by way of the Python that runs us."""
        real = real_plugin.find()
        module = ["lab.aws.real_plugin", str(real)] if real else ["lab.aws.bridge.plugin"]
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / real_plugin.NAME
        command = shlex.join([sys.executable, "-m", *module])
        file.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {command} "$@"\n',
            encoding="utf-8",
        )
        file.chmod(0o755)
        return file

    def _bridge_listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.bridge_port)) == 0

    def _answers(self) -> bool:
        try:
            with _opener.open(f"{self.endpoint}/moto-api/data.json", timeout=5):
                return True
        except OSError:
            return False


@cache
def client_of(endpoint: str, service: str, region: str) -> Any:
    """A client of a service of a simulated account. It is made once: that takes a tenth of a second."""
    import botocore.config

    return _session().client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="simulator",
        aws_secret_access_key="simulator",  # noqa: S106 - nobody's
        config=botocore.config.Config(proxies={}),
    )


@cache
def _session() -> Any:
    """A session for all clients: it reads what describes the services once."""
    import boto3  # the import takes half a second, and the engine does not need it
    import botocore.session

    nothing = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=nothing))
