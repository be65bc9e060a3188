"""Settings of the target `aws` that do not go together."""

import ipaddress
from collections.abc import Iterator

from diaspora_infra.config.aws.availability import (
    DKIM_UNKNOWN,
    REGIONS_WITH_ARM_BUILDS,
    REGIONS_WITHOUT_BUILDS,
    REGIONS_WITHOUT_SES,
    REGIONS_WITHOUT_SMALL_RDS,
    REGIONS_WITHOUT_T3A,
    VPC_LINK_ZONES,
)
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.derived import builds_s3fs, derived_aws, uses_ses
from diaspora_infra.config.aws.topology_checks import check_topology, check_topology_of_host, check_topology_of_pod
from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Architecture

MAX_NAME_OF_CERTIFICATE = 64


def check_aws(aws: Aws) -> Iterator[Problem]:
    """Problems of the key `aws` alone."""
    aws = derived_aws(aws)
    yield from run_checks((check_topology, *_CHECKS), aws)


def check_pod_on_aws(aws: Aws, pod: Pod) -> Iterator[Problem]:
    """Problems of a pod on AWS."""
    aws = derived_aws(aws)
    yield from run_checks((check_topology_of_pod, *_CHECKS_OF_POD), aws, pod)


def check_host_on_aws(aws: Aws, host: Host) -> Iterator[Problem]:
    """Problems of the settings of every machine, on AWS."""
    aws = derived_aws(aws)
    yield from run_checks((check_topology_of_host, _storage, _memory), aws, host)


def _edge(aws: Aws) -> Iterator[Problem]:
    if aws.behind_gateway and aws.region not in VPC_LINK_ZONES:
        yield Problem(
            "aws.edge",
            f"gateway: API Gateway has no VPC links in {aws.region}, so it cannot reach the machine; set direct",
        )


def _instance(aws: Aws) -> Iterator[Problem]:
    name = aws.instance_type_name
    if name.startswith("t3a.") and aws.region in REGIONS_WITHOUT_T3A:
        yield Problem("aws.instance.type", f"{name} is not offered in {aws.region}; choose a type of t4g or t3")


def _capacity(aws: Aws) -> Iterator[Problem]:
    database = aws.database
    if database.min_acu > database.max_acu:
        yield Problem(
            "aws.database.minAcu",
            f"{database.min_acu} is more than maxAcu ({database.max_acu}); lower minAcu, or raise maxAcu",
        )


def _pause(aws: Aws) -> Iterator[Problem]:
    if aws.database.min_acu > 0 and "auto_pause_seconds" in aws.database.model_fields_set:
        yield Problem("aws.database.autoPauseSeconds", "only used with minAcu: 0; remove it")


def _instance_class(aws: Aws) -> Iterator[Problem]:
    if aws.database.engine == "rds" and aws.region in REGIONS_WITHOUT_SMALL_RDS:
        yield Problem(
            "aws.database.engine",
            f"rds has no small instance classes in {aws.region}; allowed: auroraServerless"
            f"{'' if aws.has_groups else ', onInstance'}",
        )


def _engine(aws: Aws) -> Iterator[Problem]:
    database = aws.database
    engines = {
        "auroraServerless": ("min_acu", "max_acu", "auto_pause_seconds"),
        "rds": ("instance_class", "storage_gib"),
    }
    for engine, keys in engines.items():
        for key in keys:
            if database.engine != engine and key in database.model_fields_set:
                name = type(database).model_fields[key].alias or key
                yield Problem(f"aws.database.{name}", f"only used with engine: {engine}; remove it")
    if not aws.database_on_aws:
        for key in ("version", "backup_days", "restore_from"):
            if key in database.model_fields_set:
                name = type(database).model_fields[key].alias or key
                yield Problem(f"aws.database.{name}", "not used with engine: onInstance; remove it")


def _uploads(aws: Aws) -> Iterator[Problem]:
    if not aws.uploads_in_bucket and aws.uploads_image is not None:
        yield Problem("aws.uploadsImage", "only used with uploads: bucket; remove it")


IMAGE_KEYS = {"s3fs": "aws.uploadsImage", "diaspora": "pod.image"}
"""Keys that name an image, by the name of the image."""


def _image_of_s3fs(aws: Aws, _pod: Pod) -> Iterator[Problem]:
    if builds_s3fs(aws):
        yield from _required_image(aws, "s3fs")


def _image_of_pod(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if pod.image is None:
        yield from _required_image(aws, "diaspora")


def _required_image(aws: Aws, name: str) -> Iterator[Problem]:
    """An image that the stack cannot build."""
    without = aws.region in REGIONS_WITHOUT_BUILDS
    if not without and (aws.architecture is not Architecture.AARCH64 or aws.region in REGIONS_WITH_ARM_BUILDS):
        return
    why = "has no AWS CodeBuild" if without else "is not among the regions where CodeBuild is known to have arm64"
    instead = "" if without else ", or set aws.instance.type to a type of t3"
    yield Problem(
        IMAGE_KEYS[name],
        f"required, because {aws.region} {why}; build containers/{name}, push the image to a registry, and set its "
        f"name{instead}",
    )


def _shell(aws: Aws) -> Iterator[Problem]:
    instance = aws.instance
    if instance.shell_access == "ssh" and instance.ssh_from is None:
        yield Problem("aws.instance.sshFrom", "required with shellAccess: ssh; list the networks that you connect from")
    if instance.shell_access != "ssh" and instance.ssh_from is not None:
        yield Problem("aws.instance.sshFrom", "only used with shellAccess: ssh; remove it")


def _shell_sources(aws: Aws) -> Iterator[Problem]:
    if not aws.network.ipv6 and aws.network.existing is None:
        for source in aws.instance.ssh_from or ():
            if ":" in source:
                yield Problem(
                    "aws.instance.sshFrom", f"{source}: the VPC has no IPv6; use IPv4, or set aws.network.ipv6: true"
                )


def _network(aws: Aws) -> Iterator[Problem]:
    network = aws.network
    if network.existing is not None:
        for key in ("cidr", "ipv6"):
            if key in network.model_fields_set:
                yield Problem(f"aws.network.{key}", "not used with aws.network.existing; remove it")


def _zone_elsewhere(aws: Aws) -> Iterator[Problem]:
    if aws.dns.provider == "external" and aws.dns.zone is not None:
        yield Problem("aws.dns.zone", "only used with provider: route53; remove it")


def _new_zone_elsewhere(aws: Aws) -> Iterator[Problem]:
    if aws.dns.provider == "external" and aws.dns.create_zone:
        yield Problem("aws.dns.createZone", "only used with provider: route53; remove it")


def _domain(aws: Aws, pod: Pod) -> Iterator[Problem]:
    zone = aws.dns.zone
    if zone is not None and pod.domain != zone and not pod.domain.endswith(f".{zone}"):
        yield Problem(
            "aws.dns.zone",
            f"{zone!r} does not contain the pod's domain, {pod.domain}; allowed: the domain, or a parent domain",
        )


def _certificate(aws: Aws, pod: Pod) -> Iterator[Problem]:
    # https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html (DomainName)
    if aws.certificate_of_acm and len(pod.domain) > MAX_NAME_OF_CERTIFICATE:
        instead = "" if aws.has_groups else ", or set aws.edge: direct"
        yield Problem(
            "pod.domain",
            f"{len(pod.domain)} characters, and a certificate of AWS has at most {MAX_NAME_OF_CERTIFICATE}; "
            f"choose a shorter name{instead}",
        )


def _http_api(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.behind_gateway and "tls" in pod.model_fields_set:
        yield Problem("pod.tls", "only used with aws.edge: direct; remove it")
    if not aws.behind_gateway and "http_api" in aws.model_fields_set:
        yield Problem("aws.httpApi", "only used with aws.edge: gateway; remove it")


MAX_BODY_OF_GATEWAY_MIB = 9


def _archives(aws: Aws, pod: Pod) -> Iterator[Problem]:
    size = pod.sizing.archive_import_mib
    if aws.behind_gateway and size > MAX_BODY_OF_GATEWAY_MIB:
        yield Problem(
            "pod.sizing.archiveImportMib",
            f"{size}, and API Gateway limits requests to 10 MB; set {MAX_BODY_OF_GATEWAY_MIB} or less, or set "
            "aws.edge: direct",
        )


def _subnets(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.network.existing is None and ipaddress.IPv4Network(pod.subnet).overlaps(
        ipaddress.IPv4Network(aws.network.cidr)
    ):
        key = "pod.subnet" if "subnet" in pod.model_fields_set else "aws.network.cidr"
        yield Problem(
            key,
            f"aws.network.cidr ({aws.network.cidr}) and pod.subnet ({pod.subnet}) overlap; choose networks that do not",
        )


def _repository(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.backups.bucket and pod.backup is not None and "repository" in pod.backup.model_fields_set:
        yield Problem(
            "pod.backup.repository",
            "conflicts with the bucket that this stack creates; remove it, or set aws.backups.bucket: false",
        )


def _object_lock(aws: Aws, _pod: Pod) -> Iterator[Problem]:
    if not aws.backups.bucket and aws.backups.object_lock_days:
        yield Problem("aws.backups.objectLockDays", "only used with aws.backups.bucket: true; remove it")


def _unused_mail(aws: Aws, pod: Pod) -> Iterator[Problem]:
    keys = aws.mail.model_fields_set
    if not uses_ses(pod, aws):
        own = pod.mail is not None and pod.mail.by_own_relay
        why = "not used with pod.mail.smtp or pod.mail.relay" if own else "only used with aws.mail.enabled: true"
        unused = keys if own else keys - {"enabled"}
    else:
        why = "not used with existingIdentity: true"
        unused = keys & {"mail_from", "dmarc"} if aws.mail.existing_identity else set()
    for key in sorted(unused):
        name = type(aws.mail).model_fields[key].alias or key
        yield Problem(f"aws.mail.{name}", f"{why}; remove it")


def _region_of_ses(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.region in REGIONS_WITHOUT_SES and uses_ses(pod, aws):
        yield Problem(
            "aws.mail.enabled", f"Amazon SES is not available in {aws.region}; set false, or a relay in pod.mail"
        )


def _dkim(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.region in DKIM_UNKNOWN and not aws.mail.existing_identity and uses_ses(pod, aws):
        yield Problem(
            "aws.mail.existingIdentity",
            f"false, and the DKIM records of {aws.region} are not known here; create the identity in the console of "
            "SES and set true, or use a relay in pod.mail",
        )


def _sender(aws: Aws, pod: Pod) -> Iterator[Problem]:
    if aws.mail.existing_identity or aws.dns.provider == "external" or not uses_ses(pod, aws):
        return
    zone = aws.dns.zone or pod.domain
    sender = pod.domain if pod.mail is None else pod.mail.sender_domain
    # a zone that does not contain the pod's domain has its own message
    if f".{pod.domain}".endswith(f".{zone}") and not f".{sender}".endswith(f".{zone}"):
        yield Problem(
            "pod.mail.senderAddress",
            f"the records of {sender} cannot be set in the zone {zone}; choose an address in that zone, "
            "or set aws.mail.existingIdentity: true or aws.dns.provider: external",
        )


def _storage(aws: Aws, host: Host) -> Iterator[Problem]:
    if "storage" in host.model_fields_set:
        instead = "aws.instance.rootGib" if aws.has_groups else "aws.instance.rootGib and dataGib"
        yield Problem("host.storage", f"not used on AWS; set {instead} instead")


def _memory(_aws: Aws, host: Host) -> Iterator[Problem]:
    if "memory_mib" in host.model_fields_set:
        yield Problem("host.memoryMib", "not used on AWS; set aws.size or aws.instance.type instead")


_CHECKS = (
    _edge,
    _instance,
    _capacity,
    _pause,
    _instance_class,
    _engine,
    _uploads,
    _shell,
    _shell_sources,
    _network,
    _zone_elsewhere,
    _new_zone_elsewhere,
)
_CHECKS_OF_POD = (
    _image_of_s3fs,
    _image_of_pod,
    _domain,
    _certificate,
    _http_api,
    _archives,
    _subnets,
    _repository,
    _object_lock,
    _unused_mail,
    _region_of_ses,
    _dkim,
    _sender,
)
