"""The Terraform provider: a process that speaks gRPC over a Unix socket (go-plugin, protocol version 5)."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import grpc

from lab.aws.bridge.values import pack, unpack

# the handshake of go-plugin: without this a provider thinks that it was started by hand
_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
PROTOCOL = "tfplugin5.proto"
# nobody reads its log, in which it would describe each call and each value; that is a tenth of its time
_QUIET = {
    f"TF_LOG_{part}": "ERROR"
    for part in ("PROVIDER", "PROVIDER_AWS", "SDK", "SDK_FRAMEWORK", "SDK_HELPER_SCHEMA", "SDK_MUX", "SDK_PROTO")
}
_LARGE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_PR_SET_PDEATHSIG = 1


class ProviderError(Exception):
    """What the provider refuses, as one text."""


class TerraformProvider:
    """A running provider. Start it in the main thread: the kernel ends it with the thread that started it."""

    def __init__(self, binary: Path, environment: Mapping[str, str], log: IO[str]) -> None:
        """Start `binary`; the file tfplugin5.proto lies beside it."""
        sys.path.append(str(binary.parent))
        self.messages, services = grpc.protos_and_services(PROTOCOL)
        self.log = log
        self.process = subprocess.Popen(
            [str(binary)],
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,
            text=True,
        )
        if self.process.stdout is None:
            raise ProviderError("the Terraform provider has no output")
        handshake = self.process.stdout.readline().strip().split("|")
        if len(handshake) < 5 or handshake[1] != "5":
            raise ProviderError(f"the Terraform provider answers {'|'.join(handshake)!r} instead of a handshake")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.stub = services.ProviderStub(grpc.insecure_channel(f"unix://{handshake[3]}", options=_LARGE))
        self.capabilities = self.messages.ClientCapabilities(write_only_attributes_allowed=True)

    def schema(self, cache: Path) -> Any:
        """The schema of everything that the provider has, from `cache` if it is there."""
        answer = self.messages.GetProviderSchema.Response()
        if cache.exists():
            answer.ParseFromString(cache.read_bytes())
            return answer
        answer = self.stub.GetSchema(self.messages.GetProviderSchema.Request())
        cache.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cache.with_name(f"{cache.name}.{os.getpid()}")
        unfinished.write_bytes(answer.SerializeToString())
        unfinished.rename(cache)
        return answer

    def configure(self, config: Any) -> None:
        """Check and set the provider's own configuration."""
        prepare = self.messages.PrepareProviderConfig.Request(config=self.dynamic(config))
        self.check(self.stub.PrepareProviderConfig(prepare).diagnostics)
        request = self.messages.Configure.Request(
            terraform_version="1.12.0", config=self.dynamic(config), client_capabilities=self.capabilities
        )
        self.check(self.stub.Configure(request).diagnostics)

    def dynamic(self, value: Any) -> Any:
        """A value as the protocol carries it."""
        return self.messages.DynamicValue(msgpack=pack(value))

    def check(self, diagnostics: Iterable[Any]) -> None:
        """Log warnings; raise ProviderError with all errors."""
        errors = []
        for diagnostic in diagnostics:
            if self.is_error(diagnostic):
                errors.append(text_of(diagnostic))
            else:
                self.log.write(f"warning: {text_of(diagnostic)}\n")
        if errors:
            raise ProviderError("; ".join(errors))

    def is_error(self, diagnostic: Any) -> bool:
        """Whether it is more than a warning."""
        return bool(diagnostic.severity == self.messages.Diagnostic.ERROR)


def value_of(dynamic: Any) -> Any:
    """The value that a message carries; None for nothing."""
    return unpack(dynamic.msgpack) if dynamic.msgpack else None


def text_of(diagnostic: Any) -> str:
    """A diagnostic as one text, with the place that it is about."""
    detail = "" if diagnostic.detail in {"", diagnostic.summary} else f": {diagnostic.detail}"
    steps = "".join(_step(step) for step in diagnostic.attribute.steps).lstrip(".")
    return f"{diagnostic.summary}{detail}{f' (at {steps})' if steps else ''}".strip()


def _step(step: Any) -> str:
    if step.WhichOneof("selector") == "attribute_name":
        return f".{step.attribute_name}"
    return f"[{step.element_key_string or step.element_key_int}]"


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    # with a certificate of the engine's own plugins in its environment the provider would insist on TLS
    other = {name: value for name, value in environment.items() if name != "PLUGIN_CLIENT_CERT"}
    return {**other, **_QUIET, "TF_PLUGIN_MAGIC_COOKIE": _COOKIE, "PLUGIN_PROTOCOL_VERSIONS": "5"}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
