"""The keys `pod.version`, `pod.sourceCommit` and `pod.versions`: what a pod runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Protocol

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.images import DIASPORA_COMMITS, IMAGES, POSTGRESQL_MAJOR
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Form

if TYPE_CHECKING:
    from diaspora_infra.config.pod.pod import Pod

_NUMBER = "(?:0|[1-9][0-9]?)"

DiasporaVersion = Annotated[
    str,
    Form(
        f"0[.](?:9|[1-9][0-9])[.]{_NUMBER}[.]{_NUMBER}",
        "a release of diaspora* from 0.9.0.0 on, without the v, such as 0.9.1.0",
    ),
]
SourceCommit = Annotated[str, Form("[0-9a-f]{40}", "a commit as 40 hex digits in lower case")]

# Another major version of PostgreSQL cannot read the data: the default of this project changes it, and the machine then
# moves the database (docs/upgrade.md).
PostgresqlVersion = Annotated[
    str,
    Form(
        f"{POSTGRESQL_MAJOR}[.]{_NUMBER}",
        f"a release of PostgreSQL {POSTGRESQL_MAJOR}, the major version of the pod's data, such as "
        f"{IMAGES['postgresql'].version}",
    ),
]
RedisVersion = Annotated[
    str, Form(f"(?:7[.]4|8[.]0)(?:[.]{_NUMBER})?", 'a release of Redis 7.4 or 8.0, such as "7.4" or 7.4.7')
]
NginxVersion = Annotated[
    str,
    Form(f"1[.](?:26|28|30)(?:[.]{_NUMBER})?", 'a release of nginx 1.26, 1.28 or 1.30, such as "1.28" or 1.28.1'),
]
CertbotVersion = Annotated[str, Form(f"5[.](?:[7-9]|[1-9][0-9])[.]{_NUMBER}", "a release of certbot 5 from 5.7.0 on")]
ResticVersion = Annotated[str, Form(f"0[.]18[.]{_NUMBER}", "a release of restic 0.18, such as 0.18.0")]
PgbouncerVersion = Annotated[
    str,
    Form(
        f"1[.]24[.]{_NUMBER}-p[0-9]{{1,2}}",
        "a release of PgBouncer 1.24 with the number of the packaging, such as 1.24.1-p1",
    ),
]
NodeExporterVersion = Annotated[
    str, Form(f"1[.](?:9|[1-9][0-9])[.]{_NUMBER}", "a release of the node exporter 1 from 1.9.0 on")
]
PodmanExporterVersion = Annotated[
    str, Form(f"1[.](?:1[7-9]|[2-9][0-9])[.]{_NUMBER}", "a release of the podman exporter 1 from 1.17.0 on")
]


class Build(Protocol):
    """What is built: the pod's key, or that of a provisioning server."""

    @property
    def version(self) -> str:
        """The release."""

    @property
    def source_commit(self) -> str | None:
        """The commit, where it is set."""


class Versions(Model):
    """Versions of the programs beside diaspora*, for security releases that this project does not have yet."""

    postgresql: PostgresqlVersion = IMAGES["postgresql"].version
    """PostgreSQL. Only its minor version: the major one changes with a version of this project, which moves the
    database."""
    redis: RedisVersion = IMAGES["redis"].version
    """Redis. A minor version gets its patch releases every night; three numbers stay. Redis 7.4 may not read what 8.0
    has written."""
    nginx: NginxVersion = IMAGES["nginx"].version
    """nginx. A minor version gets its patch releases every night; three numbers stay."""
    certbot: CertbotVersion = IMAGES["certbot"].version
    """certbot, which gets certificates."""
    restic: ResticVersion = IMAGES["restic"].version
    """restic, which writes backups."""
    pgbouncer: PgbouncerVersion = IMAGES["pgbouncer"].version
    """PgBouncer, on AWS in front of the database."""
    node_exporter: NodeExporterVersion = IMAGES["node-exporter"].version
    """Exporter of `pod.monitoring.nodeExporter`."""
    podman_exporter: PodmanExporterVersion = IMAGES["podman-exporter"].version
    """Exporter of `pod.monitoring.podmanExporter`."""


def check_versions(pod: "Pod") -> Iterator[Problem]:
    """What the pod says of an image that is built, or of one that is not."""
    yield from run_checks((_refresh, _commit, _layout), pod)


def _refresh(pod: "Pod") -> Iterator[Problem]:
    if pod.image_refresh and pod.image is not None:
        yield Problem("pod.imageRefresh", "only used without pod.image; remove it")


def _commit(pod: "Pod") -> Iterator[Problem]:
    if pod.image is None and source_commit(pod) is None:
        yield missing_commit("pod.sourceCommit", pod.version)


def _layout(pod: "Pod") -> Iterator[Problem]:
    if pod.image is None and pod.image_layout.model_fields_set:
        yield Problem(
            "pod.imageLayout",
            "describes an image of your own, but without pod.image the machine builds one; remove imageLayout, or "
            "set pod.image",
        )


def source_commit(build: Build) -> str | None:
    """The commit of diaspora* that is built; None where the settings do not say it."""
    return build.source_commit or DIASPORA_COMMITS.get(build.version)


def missing_commit(key: str, version: str) -> Problem:
    """The mistake of a release that is not in the table, without its commit in the setting `key`."""
    return Problem(
        key,
        f"required, because the commit of diaspora* {version} is not in the table of this project; set the "
        f"commit that `git ls-remote https://github.com/diaspora/diaspora 'v{version}^{{}}'` prints",
    )
