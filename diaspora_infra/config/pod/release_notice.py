"""The `pod.releaseNotice` key: notices about new releases."""

from typing import Annotated

from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Form

Repository = Annotated[
    str,
    Form(
        "[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}",
        "OWNER/NAME of a repository on GitHub, such as example/diaspora-infra",
    ),
]


class ReleaseNotice(Model):
    """Notices about new releases, as alerts to the podmin: of each release once. The machine asks GitHub every week."""

    enabled: bool = True
    """Tell about releases of diaspora* that are newer than the one that runs."""
    project: Repository | None = None
    """The repository of this project on GitHub. With it the podmin also hears of security advisories for the version of
    this project that made the machine. None when not set, because the project has no public repository yet."""


def check_release_notice(notice: ReleaseNotice) -> list[Problem]:
    """A repository that nobody asks."""
    if notice.enabled or notice.project is None:
        return []
    return [Problem("pod.releaseNotice.project", "only used with enabled: true; remove it")]
