"""nginx: the web server in front of the pod."""

from diaspora_infra.host.container_images import container_image, image_floats
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.features.held_polls import polls_held
from diaspora_infra.host.features.pod_network import gateway
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def nginx(context: PodContext) -> Fragment:
    """Serve static files and uploads, and pass everything else to the application."""
    pod = context.pod
    return render_tree(
        "nginx",
        behind_gateway=context.behind_gateway,
        in_group=context.in_group,
        image=container_image(context, "nginx"),
        floats=image_floats(context, "nginx"),
        user=container_users(pod).nginx,
        domain=pod.domain,
        resolver=gateway(pod),
        archive_import_mib=pod.sizing.archive_import_mib,
        image_redirect_url=pod.environment.image_redirect_url,
        tls=terminates_tls(pod),
        acme=pod.tls.mode == "acme",
        trusted_proxies=pod.tls.trusted_proxies,
        polls_held=polls_held(context),
    )
