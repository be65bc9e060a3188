"""diaspora* itself: web server, background jobs, migration, public files."""

from diaspora_infra.config.secrets import application_variables
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.container_users import container_users
from diaspora_infra.host.diaspora_config import database_yml, diaspora_toml, schedule_yml
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.sizes import sizes
from diaspora_infra.host.templates import file, render_tree


def diaspora(context: PodContext) -> Fragment:
    """Run the application, with its config files."""
    pod = context.pod
    layout = pod.image_layout
    sized = sizes(pod, context.memory_mib, context.swap)
    tree = render_tree(
        "diaspora",
        image=container_image(context, "diaspora"),
        home=layout.home,
        user=container_users(pod).diaspora,
        shell=layout.shell,
        puma_threads=sized.puma_threads,
        secrets={secret.podman_name: secret.variable for secret in application_variables(pod)},
    )
    files = [
        file("/etc/diaspora/diaspora.toml", diaspora_toml(pod, sized)),
        file("/etc/diaspora/database.yml", database_yml(sized, pooled=context.database_on_aws)),
        file("/etc/diaspora/schedule.yml", schedule_yml(pod.domain, context.daily_jobs_minute)),
    ]
    return combine([tree, {"storage": {"files": files}}])
