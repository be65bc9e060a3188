"""`python -m lab.aws.simulator.server PORT`: serves the account on 127.0.0.1 until it is ended.

Port 0 takes a free one. The first line on standard output is the address.
"""

import gc
import os
import sys
from pathlib import Path

# moto reads these when it is imported
os.environ |= {
    "AWS_ACCESS_KEY_ID": "simulator",
    "AWS_SECRET_ACCESS_KEY": "simulator",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "MOTO_ACM_VALIDATION_WAIT": "0",
    "MOTO_AMIS_PATH": str(Path(__file__).with_name("images.json")),
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
}

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from diaspora_infra.config.aws.availability import VPC_LINK_ZONES
from lab.aws.simulator import caches, patches, policies
from lab.aws.simulator.cbor import Cbor
from lab.aws.simulator.lifecycle import Lifecycle
from lab.aws.simulator.patches import apigatewayv2
from lab.aws.simulator.refusals import Refusals
from lab.aws.simulator.repeats import Repeats


class _QuietHandler(MotoRequestHandler):
    """Does not write a line a request."""

    def log_request(self, *_arguments: object) -> None:
        pass


def main(arguments: list[str]) -> int:
    """Serve; returns the exit code for wrong arguments."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        print("usage: python -m lab.aws.simulator.server PORT", file=sys.stderr)
        return 2
    patches.apply()
    apigatewayv2.vpc_link_zones |= VPC_LINK_ZONES
    policies.apply()
    caches.apply()
    application = Repeats(Refusals(Lifecycle(Cbor(DomainDispatcherApplication(create_backend_app)))))
    server = make_server("127.0.0.1", int(arguments[0]), application, threaded=True, request_handler=_QuietHandler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    # the modules stay; to go through all of them again and again takes half of the time
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
