"""Questions about API Gateway: what it makes of requests on their way to nginx."""

import re

from diaspora_infra.smoke.answer import Answer, UnansweredError, not_asked, not_ok, ok
from diaspora_infra.smoke.world import CUT_OFF, Page, World

ECHO = "/diaspora-infra/smoke/echo/"
UPLOAD = "/diaspora-infra/smoke/upload"
PATHS = ("a%20b", "a%3Fb", "a%2Fb", "a%25b", "%C3%A4", "a+b?q=a%2Fb%20c", "a?q=a%26b")
"""Asked for behind `ECHO`: a space, a question mark, a slash, a percent sign, a letter in UTF-8, and queries."""
MIB = 1 << 20
SMALL_MIB, LARGE_MIB = 9, 11
"""Below and above API Gateway's limit of 10 MB."""
RECEIVED = "diaspora-infra-received"
"""The header in which nginx says how long the request was."""


def host(world: World) -> Answer:
    """A web server that gets another name does not find the pod."""
    if not _behind_gateway(world):
        return _no_gateway()
    found = _echo(world, "host")[0]
    seen = f"Host: {found}"
    if found == world.stack.domain:
        return ok(seen)
    return not_ok(
        f"{seen}, instead of {world.stack.domain}",
        "the gateway gives nginx another name, so visitors get status 404",
        "report it; `aws.edge: direct` works without the gateway",
    )


def paths(world: World) -> Answer:
    """A path that arrives decoded leads elsewhere, or is signed wrongly by another pod."""
    if not _behind_gateway(world):
        return _no_gateway()
    _echo(world, "plain")
    changed = []
    for path in PATHS:
        page = world.page(f"{ECHO}{path}")
        found = _received(page)
        if found is None:
            changed.append(f"{path} gives status {page.status}")
        elif found[1] != f"{ECHO}{path}":
            changed.append(f"{path} arrives as {found[1].removeprefix(ECHO)}")
    if not changed:
        return ok(f"{len(PATHS)} paths arrive as they were sent")
    return not_ok(
        "; ".join(changed),
        "addresses with such characters do not work: searches, tags, and signed requests of other pods",
        "report it; `aws.edge: direct` works without the gateway",
    )


def upload(world: World) -> Answer:
    """What is below the limit arrives whole."""
    if not _behind_gateway(world):
        return _no_gateway()
    sent = SMALL_MIB * MIB
    page = _post(world, sent)
    received = int(page.headers.get(RECEIVED, 0)) if page.headers.get(RECEIVED, "0").isdecimal() else 0
    seen = f"status {page.status}, {received} of {sent} bytes at nginx, in {page.seconds:.1f} s"
    if page.status == 204 and received >= sent:
        return ok(seen)
    return not_ok(
        seen,
        f"an upload of {SMALL_MIB} MiB does not arrive, below the gateway's limit of 10 MB",
        "see the access log of the gateway in CloudWatch (`error`); `aws.edge: direct` has no such limit",
    )


def upload_limit(world: World) -> Answer:
    """What is above the limit is refused by the gateway, with a status that browsers understand."""
    if not _behind_gateway(world):
        return _no_gateway()
    try:
        page = _post(world, LARGE_MIB * MIB)
    except CUT_OFF as error:
        return not_ok(
            f"the connection ended without an answer ({type(error).__name__})",
            "users whose upload is too large see no reason",
            f"none is known: tell users that uploads end at 10 MB, and ask again ({LARGE_MIB} MiB were sent)",
        )
    seen = f"status {page.status} for {LARGE_MIB} MiB"
    if page.status == 413:
        return ok(seen, "API Gateway refuses it: nginx takes up to 12 MiB there")
    return not_ok(
        seen, "the limit of 10 MB is not where the documentation has it", "report it, with what this command prints"
    )


def _echo(world: World, path: str) -> tuple[str, str]:
    """Host name and path of a request, as nginx got them. Raises UnansweredError."""
    page = world.page(f"{ECHO}{path}")
    found = _received(page)
    if found is None:
        raise UnansweredError(
            f"status {page.status} instead of what nginx got",
            "the pod must run (`sudo diaspora-pod status`), with a config of this version: `pulumi up`",
        )
    return found


def _received(page: Page) -> tuple[str, str] | None:
    """What nginx says of a request; None where the answer is not its own."""
    found = re.fullmatch(r"host (.*)\npath (.*)\n", page.body.decode(errors="replace"))
    return None if page.status != 200 or found is None else (found[1], found[2])


def _post(world: World, size: int) -> Page:
    page = world.page(UPLOAD, "POST", bytes(size), seconds=100)
    if page.status == 429:
        raise UnansweredError("another upload of this kind is on its way", "ask again in a minute")
    return page


def _behind_gateway(world: World) -> bool:
    return world.stack.first("apigatewayv2/api:Api", "HttpApi") is not None


def _no_gateway() -> Answer:
    return not_asked("the stack has no API Gateway")
