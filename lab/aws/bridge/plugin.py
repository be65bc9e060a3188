"""`python -m lab.aws.bridge.plugin`: the plugin process. It prints the port on which the engine reaches it.

Environment: LAB_AWS_ENDPOINT, the address of the simulator; LAB_AWS_LOG, a log file; LAB_AWS_PORT, the port to listen
on if the plugin serves many runs of the engine (the engine reads the port from PULUMI_DEBUG_PROVIDERS).
"""

import json
import os
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, TextIO

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from lab.aws.bridge import VERSION, values
from lab.aws.bridge.autonames import DEFAULTS
from lab.aws.bridge.proposal import propose
from lab.aws.bridge.resource import META, Resource
from lab.aws.bridge.shapes import Record, record_of
from lab.aws.bridge.terraform import ProviderError, TerraformProvider, text_of, value_of
from lab.aws.bridge.type_registry import TypeRegistry
from lab.aws.bridge.types import FUNCTIONS
from lab.aws.environment import provider_environment
from tools import tool_path
from tools.cache import cache_root

_KINDS = {"add": "ADD", "delete": "DELETE", "update": "UPDATE"}
_PLAIN_CONFIG = frozenset({"region", "profile", "accessKey", "secretKey", "token"})


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine."""

    def __init__(self, endpoint: str, log: TextIO, *, serves_many_runs: bool = False) -> None:
        """Start the Terraform provider, in the main thread."""
        self.endpoint = endpoint
        self.serves_many_runs = serves_many_runs
        self.log = log
        binary = tool_path("terraform-provider-aws")
        self.terraform = TerraformProvider(binary, provider_environment(endpoint), log)
        self.messages, self.stub = self.terraform.messages, self.terraform.stub
        self.schema = self.terraform.schema(_schema_cache(binary))
        self.registry = TypeRegistry.load(_schema_cache(binary), self.schema)

    # calls that every plugin answers

    def Attach(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, _context: Any) -> Any:
        record = record_of(self.schema.provider.block, None)
        self.terraform.configure(values.record_to_terraform(record, self._provider_config(request), strict=False))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Cancel(self, _request: Any, _context: Any) -> Any:
        if not self.serves_many_runs:  # a stopped provider answers no further calls
            self.stub.Stop(self.messages.Stop.Request())
        return empty_pb2.Empty()

    # resources

    def Check(self, request: Any, _context: Any) -> Any:
        resource = self._resource(request.urn)
        olds, given = _plain(request.olds), _plain(request.news)
        given.pop(DEFAULTS, None)
        news = resource.with_name(given, olds, request.urn, bytes(request.randomSeed))
        failures = []
        try:
            failures = self._failures(resource, resource.config(news))
        except values.BadValueError as error:
            failures = [provider_pb2.CheckFailure(property=error.path, reason=str(error))]
        inputs = struct_pb2.Struct()
        inputs.CopyFrom(request.news)
        if DEFAULTS in inputs:
            del inputs[DEFAULTS]
        for name in news.get(DEFAULTS, []):
            inputs[name] = news[name]
            inputs[DEFAULTS] = news[DEFAULTS]
        return provider_pb2.CheckResponse(inputs=inputs, failures=failures)

    def Diff(self, request: Any, _context: Any) -> Any:
        resource = self._resource(request.urn)
        olds, news = _plain(request.olds), _plain(request.news)
        prior, private = resource.state(olds, request.id)
        config = resource.config(news)
        resource.keep(request.ignoreChanges, prior, config)
        planned, answer = self._plan(resource, prior, private, config)
        difference = resource.difference(prior, planned, answer.requires_replace)
        response, detail = provider_pb2.DiffResponse, provider_pb2.PropertyDiff
        if not difference.changes:
            return response(changes=response.DIFF_NONE, hasDetailedDiff=True)
        details = {
            path: detail(
                kind=getattr(detail, _KINDS[kind] + ("_REPLACE" if difference.is_replaced(path) else "")),
            )
            for path, kind in difference.changes.items()
        }
        return response(
            changes=response.DIFF_SOME,
            hasDetailedDiff=True,
            detailedDiff=details,
            replaces=difference.replaces,
            diffs=sorted({path.split(".")[0].split("[")[0] for path in details}),
            deleteBeforeReplace=bool(difference.replaces) and resource.deleted_first(news, olds),
        )

    def Create(self, request: Any, context: Any) -> Any:
        resource = self._resource(request.urn)
        inputs = _plain(request.properties)
        config = resource.config(inputs)
        planned, answer = self._plan(resource, None, b"", config)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=_struct(resource.properties(planned)))
        state, private = self._apply(resource, None, planned, config, answer.planned_private, inputs, context)
        outputs = _struct(resource.outputs(state, private))
        return provider_pb2.CreateResponse(id=resource.identifier(state), properties=outputs)

    def Update(self, request: Any, context: Any) -> Any:
        resource = self._resource(request.urn)
        inputs = _plain(request.news)
        prior, private = resource.state(_plain(request.olds), request.id)
        config = resource.config(inputs)
        resource.keep(request.ignoreChanges, prior, config)
        planned, answer = self._plan(resource, prior, private, config)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct(resource.properties(planned)))
        state, private = self._apply(resource, prior, planned, config, answer.planned_private, inputs, context)
        return provider_pb2.UpdateResponse(properties=_struct(resource.outputs(state, private)))

    def Delete(self, request: Any, _context: Any) -> Any:
        resource = self._resource(request.urn)
        prior, private = resource.state(_plain(request.properties), request.id)
        nothing = self.terraform.dynamic(None)
        answer = self.stub.ApplyResourceChange(
            self.messages.ApplyResourceChange.Request(
                type_name=resource.terraform,
                prior_state=self.terraform.dynamic(prior),
                planned_state=nothing,
                config=nothing,
                planned_private=private,
            )
        )
        self.terraform.check(answer.diagnostics)
        return empty_pb2.Empty()

    def Read(self, request: Any, _context: Any) -> Any:
        resource = self._resource(request.urn)
        old, inputs = _plain(request.properties), _plain(request.inputs)
        imported = META not in old
        prior, private = self._import(resource, request.id) if imported else resource.state(old, request.id)
        answer = self.stub.ReadResource(
            self.messages.ReadResource.Request(
                type_name=resource.terraform, current_state=self.terraform.dynamic(prior), private=private
            )
        )
        self.terraform.check(answer.diagnostics)
        state = value_of(answer.new_state)
        if state is None:
            return provider_pb2.ReadResponse(id="")
        outputs = resource.outputs(state, answer.private)
        if imported and not inputs:
            seen = _importable(resource, outputs)
        else:
            seen = {name: _refreshed_input(name, value, old, outputs) for name, value in inputs.items()}
        return provider_pb2.ReadResponse(
            id=resource.identifier(state) if imported else request.id,
            properties=_struct(outputs),
            inputs=_struct({name: value for name, value in seen.items() if value is not None}),
        )

    def Invoke(self, request: Any, _context: Any) -> Any:
        record = self._function(request.tok)
        terraform = FUNCTIONS[request.tok]
        config = self.terraform.dynamic(values.record_to_terraform(record, _plain(request.args)))
        validate = self.messages.ValidateDataSourceConfig.Request(type_name=terraform, config=config)
        self.terraform.check(self.stub.ValidateDataSourceConfig(validate).diagnostics)
        answer = self.stub.ReadDataSource(self.messages.ReadDataSource.Request(type_name=terraform, config=config))
        self.terraform.check(answer.diagnostics)
        shown = values.to_pulumi(record, value_of(answer.state))
        return provider_pb2.InvokeResponse(**{"return": _struct(shown)})

    # helpers

    def _resource(self, urn: str) -> Resource:
        token = urn.split("::")[2].split("$")[-1]
        if token not in self.registry.resources:
            raise ProviderError(f"the bridge does not know {token}; add it to lab/aws/bridge/types.py")
        return self.registry.resources[token]

    def _function(self, token: str) -> Record:
        if token not in self.registry.functions:
            raise ProviderError(f"the bridge does not know {token}; add it to lab/aws/bridge/types.py")
        return self.registry.functions[token]

    def _provider_config(self, request: Any) -> dict[str, Any]:
        given = _plain(request.args)
        given.pop("version", None)
        # the engine encodes values that are not strings as JSON
        config = {
            name: value if name in _PLAIN_CONFIG or not isinstance(value, str) else _from_json(value)
            for name, value in given.items()
        }
        return {
            "region": os.environ.get("AWS_REGION", "eu-west-1"),
            **config,
            # retry a broken connection, but fail soon on what the simulator lacks
            "maxRetries": 3,
        }

    def _failures(self, resource: Resource, config: Any) -> list[Any]:
        answer = self.stub.ValidateResourceTypeConfig(
            self.messages.ValidateResourceTypeConfig.Request(
                type_name=resource.terraform,
                config=self.terraform.dynamic(config),
                client_capabilities=self.terraform.capabilities,
            )
        )
        return [
            provider_pb2.CheckFailure(property=resource.path(item.attribute)[0], reason=text_of(item))
            for item in answer.diagnostics
            if self.terraform.is_error(item)
        ]

    def _plan(self, resource: Resource, prior: Any, private: bytes, config: Any) -> tuple[Any, Any]:
        answer = self.stub.PlanResourceChange(
            self.messages.PlanResourceChange.Request(
                type_name=resource.terraform,
                prior_state=self.terraform.dynamic(prior),
                proposed_new_state=self.terraform.dynamic(propose(resource.record, prior, config)),
                config=self.terraform.dynamic(config),
                prior_private=private,
                client_capabilities=self.terraform.capabilities,
            )
        )
        self.terraform.check(answer.diagnostics)
        return value_of(answer.planned_state), answer

    def _apply(
        self,
        resource: Resource,
        prior: Any,
        planned: Any,
        config: Any,
        private: bytes,
        inputs: Mapping[str, Any],
        context: grpc.ServicerContext,
    ) -> tuple[Any, bytes]:
        answer = self.stub.ApplyResourceChange(
            self.messages.ApplyResourceChange.Request(
                type_name=resource.terraform,
                prior_state=self.terraform.dynamic(prior),
                planned_state=self.terraform.dynamic(planned),
                config=self.terraform.dynamic(config),
                planned_private=private,
            )
        )
        state = value_of(answer.new_state)
        errors = [text_of(item) for item in answer.diagnostics if self.terraform.is_error(item)]
        if errors and state is not None and not values.has_unknown(state) and state.get("id", True):
            _report_unfinished(resource, state, answer.private, errors, inputs, context)
        self.terraform.check(answer.diagnostics)
        return state, answer.private

    def _import(self, resource: Resource, identifier: str) -> tuple[Any, bytes]:
        request = self.messages.ImportResourceState.Request(type_name=resource.terraform, id=identifier)
        answer = self.stub.ImportResourceState(request)
        self.terraform.check(answer.diagnostics)
        imported = answer.imported_resources[0]
        return value_of(imported.state), imported.private


def _report_unfinished(
    resource: Resource,
    state: Any,
    private: bytes,
    errors: list[str],
    inputs: Mapping[str, Any],
    context: grpc.ServicerContext,
) -> None:
    """Report to the engine that a resource exists but is not finished, so that the next run repairs it."""
    outputs = resource.outputs(state, private)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="; ".join(errors))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=resource.identifier(state), properties=_struct(outputs), reasons=errors, inputs=_struct(dict(inputs))
        )
    )
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    raise ProviderError("; ".join(errors))


def _refreshed_input(name: str, value: Any, old: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """An input after a refresh: unchanged, unless the output that it led to has changed."""
    if name == DEFAULTS or values.same(old.get(name), outputs.get(name)):
        return value
    return outputs.get(name)


def _importable(resource: Resource, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of an imported resource: the settable properties, without empty values."""
    fields = {entry.pulumi: entry for entry in resource.record.fields.values()}
    return {
        name: value
        for name, value in outputs.items()
        if name in resource.inputs
        and name in fields
        and (fields[name].required or (fields[name].optional and not fields[name].computed))
        and value not in ("", [], {}, False)
    }


def _plain(properties: Any) -> dict[str, Any]:
    plain: dict[str, Any] = values.plain(json_format.MessageToDict(properties))
    return plain


def _struct(properties: Mapping[str, Any]) -> Any:
    struct = struct_pb2.Struct()
    struct.update({name: _wrapped(value) for name, value in properties.items()})
    return struct


def _wrapped(value: Any) -> Any:
    if value is values.UNKNOWN:
        return values.UNKNOWN_TEXT
    if isinstance(value, dict):
        return {name: _wrapped(item) for name, item in value.items()}
    return [_wrapped(item) for item in value] if isinstance(value, list) else value


def _from_json(text: str) -> Any:
    try:
        return values.plain(json.loads(text))
    except ValueError:
        return text


def _schema_cache(binary: Path) -> Path:
    return cache_root() / "terraform-schemas" / f"{binary.parent.parent.name}.bin"


def _answering(plugin: Plugin, name: str, method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Turn exceptions into errors for the engine, and log each call."""

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        started = time.monotonic()
        try:
            return method(request, context)
        except values.BadValueError as error:
            message = f"{error.path}: {error}"
        except ProviderError as error:
            message = str(error)
        except grpc.RpcError as error:
            message = f"the Terraform provider failed: {error}"
        except Exception:
            message = f"the bridge failed: {traceback.format_exc()}"
        finally:
            subject = getattr(request, "urn", getattr(request, "tok", ""))
            plugin.log.write(f"{name} {time.monotonic() - started:.2f} s {subject}\n")
        plugin.log.write(f"error: {message}\n")
        return context.abort(grpc.StatusCode.UNKNOWN, message)

    return answer


_CALLS = ("Configure", "Check", "Diff", "Create", "Read", "Update", "Delete", "Invoke", "Cancel")


def main() -> None:
    """Serve until the engine ends the process."""
    log_file = os.environ.get("LAB_AWS_LOG", os.devnull)
    requested_port = int(os.environ.get("LAB_AWS_PORT", "0"))
    with Path(log_file).open("a", buffering=1, encoding="utf-8") as log:
        plugin = Plugin(os.environ["LAB_AWS_ENDPOINT"], log, serves_many_runs=bool(requested_port))
        for name in _CALLS:
            setattr(plugin, name, _answering(plugin, name, getattr(plugin, name)))
        large = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        server = grpc.server(futures.ThreadPoolExecutor(32), options=large)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
        port = server.add_insecure_port(f"127.0.0.1:{requested_port}")
        server.start()
        print(port, flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    main()
