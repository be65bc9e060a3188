"""The login at the private registry of images."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import file, render_tree

DROP_IN = "/etc/systemd/system/diaspora-image@.service.d/20-registry.conf"
_AFTER_LOGIN = "[Unit]\nWants=diaspora-secrets.service\nAfter=diaspora-secrets.service\n"


def registry(context: PodContext) -> Fragment:
    """Install the program that writes the login; images are pulled after it."""
    settings = context.pod.registry
    if settings is None:
        return {}
    tree = render_tree("registry", server=settings.server, username=settings.username)
    return {"storage": {"files": [*tree["storage"]["files"], file(DROP_IN, _AFTER_LOGIN)]}}
