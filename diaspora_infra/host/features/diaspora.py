"""diaspora* itself: web server, background jobs, migration, public files."""

from diaspora_infra.config.secrets import application_variables
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.diaspora_config import database_yml, diaspora_toml
from diaspora_infra.host.fragment import Context, Fragment, combine
from diaspora_infra.host.on_aws import has_external_database, has_uploads_bucket
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import file, render_tree


def diaspora(context: Context) -> Fragment:
    """Run the application, with its config files."""
    pod = context.settings.pod
    layout = pod.image_layout
    sized = sizes(pod, context.settings.host)
    tree = render_tree(
        "diaspora",
        image=container_image(context, "diaspora"),
        uploads_bucket=has_uploads_bucket(context),
        home=layout.home,
        uid=layout.uid,
        shell=layout.shell,
        puma_threads=sized.puma_threads,
        secrets={secret.podman_name: secret.variable for secret in application_variables(pod)},
    )
    files = [
        file("/etc/diaspora/diaspora.toml", diaspora_toml(pod, sized)),
        file("/etc/diaspora/database.yml", database_yml(sized, pooled=has_external_database(context))),
    ]
    return combine([tree, {"storage": {"files": files}}])
