"""nginx: the web server in front of the pod."""

from diaspora_infra.host.container_images import NGINX_UID, container_image
from diaspora_infra.host.features.pod_network import gateway
from diaspora_infra.host.features.tls import terminates_tls
from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.on_aws import aws_of, has_uploads_bucket
from diaspora_infra.host.templates import render_tree


def nginx(context: Context) -> Fragment:
    """Serve static files and uploads, and pass everything else to the application."""
    pod = context.settings.pod
    aws = aws_of(context)
    behind_gateway = aws is not None and aws.edge == "gateway"
    return render_tree(
        "nginx",
        behind_gateway=behind_gateway,
        uploads_bucket=has_uploads_bucket(context),
        image=container_image(context, "nginx"),
        uid=NGINX_UID,
        domain=pod.domain,
        resolver=gateway(pod),
        archive_import_mib=pod.sizing.archive_import_mib,
        tls=terminates_tls(pod),
        acme=pod.tls.mode == "acme",
        trusted_proxies=pod.tls.trusted_proxies,
    )
