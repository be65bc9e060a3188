"""What the policy linters find in a whole pod and we leave as it is: each check, where, and why. Reviewed by hand.

An entry whose finding is gone fails the tests, as does a finding without an entry.
"""

from dataclasses import dataclass

CONFIGS = ("aws_s3_bucket.pod_job_ignition", "aws_s3_bucket.pod_web_ignition")
BUCKETS = ("aws_s3_bucket.pod_backups", "aws_s3_bucket.pod_bundles", "aws_s3_bucket.pod_uploads", *CONFIGS)
LOGS = ("aws_cloudwatch_log_group.pod_http_api", "aws_cloudwatch_log_group.pod_flow_logs")
MACHINE_LOG = "aws_cloudwatch_log_group.pod_machines"
IMAGES = ("aws_ecr_repository.pod_diaspora", "aws_ecr_repository.pod_s3fs")
BUILD, BUILD_LOG = "aws_codebuild_project.pod_images", "aws_cloudwatch_log_group.pod_images"
CLUSTER, CLUSTER_INSTANCE = "aws_rds_cluster.pod_database", "aws_rds_cluster_instance.pod_database"
DATABASE = "aws_db_instance.pod_database"
BALANCER, GROUPS = "aws_lb.pod_web", ("job", "web", "pod_job", "pod_web")
TEMPLATES = tuple(f"aws_launch_template.{name}_machines" for name in GROUPS)
MACHINES = tuple(f"aws_iam_role_policy.{name}" for name in ("pod_machine", "pod_job_machine", "pod_web_machine"))
OWN_KEY = "a key of one's own costs a dollar a month, and the one that AWS manages encrypts as well"
ASLEEP = "it holds the database awake, at 0.07 dollars an hour, or is billed by itself"


@dataclass(frozen=True)
class Accepted:
    """A check that fails for these resources, and why that is right."""

    check: str
    reason: str
    resources: tuple[str, ...]


ACCEPTED = (
    # encrypted, but with the key of AWS
    Accepted("CKV_AWS_145", f"buckets with SSE-S3: {OWN_KEY}", BUCKETS),
    Accepted("CKV_AWS_158", f"logs: {OWN_KEY}", (*LOGS, BUILD_LOG, MACHINE_LOG)),
    Accepted("CKV_AWS_136", f"images: {OWN_KEY}", IMAGES),
    # images
    Accepted("CKV_AWS_51", "tags of builds never move; the two marks, current and previous, have to", IMAGES),
    Accepted("CKV_AWS_316", "Docker builds images, and runs in privileged mode only", (BUILD,)),
    Accepted(
        "CREDENTIALS_EXPOSURE",
        "the login of ECR, without which no image is pushed or pulled; it can do what the role can",
        ("aws_iam_role_policy.pod_machine", "aws_iam_role_policy.pod_image_build"),
    ),
    Accepted("CKV_AWS_189", f"data volume: {OWN_KEY}", ("aws_ebs_volume.pod_data",)),
    Accepted("CKV_AWS_327", f"database: {OWN_KEY}", (CLUSTER,)),
    Accepted(
        "CKV_AWS_337",
        f"parameters: {OWN_KEY}",
        tuple(
            f"aws_ssm_parameter.pod_{name}"
            for name in ("backupPassword", "cachePassword", "databasePassword", "smtpPassword", "smtpUsername")
        ),
    ),
    Accepted(
        "CKV2_AWS_34",
        "names of servers and buckets, and hashes, are no secrets; secrets are SecureStrings",
        tuple(
            f"aws_ssm_parameter.pod_{name}"
            for name in (
                "backupRepository",
                "bundle",
                "bundleApplied",
                "cacheHost",
                "databaseHost",
                "deployment",
                "image_diaspora",
                "image_s3fs",
                "uploadsBucket",
            )
        ),
    ),
    Accepted(
        "CKV_AWS_26",
        "the keys that cost nothing shut CloudWatch out of the topic, and no alert holds a secret",
        ("aws_sns_topic.pod_alerts",),
    ),
    Accepted("CKV_AWS_191", f"cache: {OWN_KEY}", ("aws_elasticache_replication_group.pod_cache",)),
    # buckets
    Accepted("CKV_AWS_144", "a copy in another region doubles the bill; pod.backup may name any other place", BUCKETS),
    Accepted("CKV2_AWS_62", "nothing waits for an event of a bucket", BUCKETS),
    Accepted(
        "CKV_AWS_18",
        "only the machine's role and the podmin reach it; a second bucket with logs would be read by nobody",
        BUCKETS,
    ),
    Accepted("CKV_AWS_21", "configs of machines, each under its hash: none is written twice", CONFIGS),
    Accepted("CKV2_AWS_61", "machines may start from any of these configs, some kilobytes each", CONFIGS),
    # network
    Accepted("CKV2_AWS_11", "flow logs are a setting, aws.network.flowLogsDays: they are billed", ("aws_vpc.pod_vpc",)),
    Accepted(
        "CKV_AWS_260",
        "with edge direct everybody reaches port 80: certificates and redirects to HTTPS",
        ("aws_vpc_security_group_ingress_rule.pod_http_ipv4",),
    ),
    Accepted(
        "CKV_AWS_88",
        "without an address the machine reaches nobody, and a NAT gateway costs 35 dollars a month; its group lets "
        "nobody in",
        ("aws_instance.pod_machine", *TEMPLATES),
    ),
    Accepted(
        "CKV_AWS_91",
        "nginx on the machines logs requests; a bucket with a second log would hold addresses of visitors",
        (BALANCER,),
    ),
    Accepted("CKV_AWS_150", "nothing is lost with it; what holds data is protected", (BALANCER,)),
    Accepted("CKV2_AWS_28", "a web firewall costs 6 dollars a month and more; a program can attach one", (BALANCER,)),
    Accepted(
        "CKV_AWS_309",
        "the pod is a public web site; diaspora* knows its users itself",
        ("aws_apigatewayv2_route.pod_http_api",),
    ),
    Accepted(
        "CKV_AWS_338",
        "addresses of visitors are personal data: kept for days, not for a year; a failed build is news",
        (*LOGS, BUILD_LOG, MACHINE_LOG),
    ),
    Accepted(
        "CKV2_AWS_38",
        "DNSSEC wants a key at a dollar a month and a record at the registrar",
        ("aws_route53_zone.pod_zone",),
    ),
    Accepted("CKV2_AWS_39", "a log of queries is billed and read by nobody", ("aws_route53_zone.pod_zone",)),
    # machine
    Accepted(
        "CKV_AWS_126", "2 dollars a month for values each minute; the alarms need none", ("aws_instance.pod_machine",)
    ),
    Accepted("CKV_AWS_135", "every type that the settings allow is, without being told", ("aws_instance.pod_machine",)),
    # database
    Accepted("CKV_AWS_118", f"enhanced monitoring: {ASLEEP}", (CLUSTER_INSTANCE, DATABASE)),
    Accepted("CKV_AWS_353", f"performance insights: {ASLEEP}", (CLUSTER_INSTANCE, DATABASE)),
    Accepted("CKV_AWS_324", f"export of logs: {ASLEEP}", (CLUSTER,)),
    Accepted("CKV2_AWS_27", f"a log of queries: {ASLEEP}, and holds what people wrote", (CLUSTER,)),
    Accepted("CKV_AWS_129", f"export of logs: {ASLEEP}", (DATABASE,)),
    Accepted("CKV_AWS_162", "diaspora* connects with a password, through PgBouncer", (CLUSTER,)),
    Accepted("CKV_AWS_161", "diaspora* connects with a password, through PgBouncer", (DATABASE,)),
    Accepted("CKV2_AWS_8", "RDS keeps backups of its own (backupDays), besides those of the pod", (CLUSTER,)),
    Accepted("CKV_AWS_157", "a second machine doubles the bill; this is the small one", (DATABASE,)),
    Accepted("CKV_AWS_226", "the settings say the version (aws.database.version)", (CLUSTER_INSTANCE,)),
    # permissions
    Accepted(
        "CKV_AWS_273", "SMTP at SES knows only users; this one can send from one address", ("aws_iam_user.pod_smtp",)
    ),
    Accepted(
        "CKV_AWS_40", "the same user: a group for one member says nothing more", ("aws_iam_user_policy.pod_smtp",)
    ),
    Accepted(
        "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition kms:ResourceAliases for action kms:Decrypt",
        "parliament's list has it for keys but not for this action (KMS developer guide, condition keys of KMS)",
        MACHINES,
    ),
    Accepted(
        "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition kms:ResourceAliases for action kms:Encrypt",
        "the same",
        MACHINES[1:],
    ),
    Accepted(
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "the policy of an endpoint allows nothing by itself: it lets pass what is allowed elsewhere, of this account",
        ("aws_vpc_endpoint.pod_s3",),
    ),
    Accepted("RESOURCE_STAR", "the same: any resource, but of this account", ("aws_vpc_endpoint.pod_s3",)),
)

FINDINGS = frozenset((each.check, resource) for each in ACCEPTED for resource in each.resources)
"""All of them: check and resource."""
