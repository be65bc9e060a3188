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
    sized = sizes(pod, context.memory_mib, context.swap, context.role)
    values = {
        "in_group": context.in_group,
        "image": container_image(context, "diaspora"),
        "home": layout.home,
        "user": container_users(pod).diaspora,
        "shell": layout.shell,
        "login": layout.login_shell,
        "authorities": layout.certificate_authorities,
        "puma_threads": sized.puma_threads,
        "secrets": {secret.podman_name: secret.variable for secret in application_variables(pod)},
    }
    folders = ["diaspora"]
    folders += ["diaspora_web"] if context.answers else []
    folders += ["diaspora_sidekiq"] if context.works else []
    folders += ["diaspora_group"] if context.in_group else []
    files = [
        file("/etc/diaspora/diaspora.toml", diaspora_toml(pod, sized)),
        file("/etc/diaspora/database.yml", database_yml(sized, pooled=context.database_on_aws)),
    ]
    if context.works:
        files.append(file("/etc/diaspora/schedule.yml", schedule_yml(pod.domain, context.daily_jobs_minute)))
    return combine([*(render_tree(folder, **values) for folder in folders), {"storage": {"files": files}}])
