"""Runs Pulumi programs without a new Python and its imports for each run of the engine, which take seconds.

A fork server has the modules loaded; each run of the engine gets a fork of it, so that nothing is left of a program
when it ends, as with the process that the engine itself would start. The fork serves the language host of
pulumi.automation. What a program prints is lost: the engine shows only what it logs. What the SDK logs for debugging is
not sent: each of these messages, six for a resource, is a call of the engine that the program waits for.
"""

import multiprocessing
import os
import runpy
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

_START_SECONDS = 120


@contextmanager
def language_host(project: Path, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Serve the program in the folder `project`; yields the engine's arguments for it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lab.preload"])
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, project, dict(environment)), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(_START_SECONDS):
            raise TimeoutError(f"the language host did not start within {_START_SECONDS} s")
        yield [f"--client=127.0.0.1:{here.recv()}", "--exec-kind=auto.inline"]
    finally:
        here.close()
        process.kill()
        process.join()


def _serve(to_engine: Connection, project: Path, environment: Mapping[str, str]) -> None:
    import grpc  # the fork server must not start its threads
    import pulumi
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2_grpc

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(project)
    pulumi.log.debug = lambda *_arguments, **_options: None
    large = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=large)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(lambda: _run(project)), server)
    to_engine.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    server.wait_for_termination()


def _run(project: Path) -> None:
    runpy.run_path(str(project / "__main__.py"), run_name="__main__")
