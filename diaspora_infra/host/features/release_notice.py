"""Notices about new releases."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree
from diaspora_infra.version import package_version


def release_notice(context: PodContext) -> Fragment:
    """Ask every week for a newer diaspora*, and for security advisories of this project."""
    notice = context.pod.release_notice
    if not notice.enabled:
        return {}
    return render_tree("release_notice", project=notice.project, version=package_version())
