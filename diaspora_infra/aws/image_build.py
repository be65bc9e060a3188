"""ImageBuild: images that CodeBuild builds, their repositories, and the parameters that name them."""

import importlib.resources
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, partition, region
from diaspora_infra.aws.arguments import ArgumentError
from diaspora_infra.aws.defaults import IMAGE_REFRESH
from diaspora_infra.aws.policy import Statement, document_output, trusting
from diaspora_infra.aws.tags import named
from diaspora_infra.config import Architecture
from diaspora_infra.config.aws.parameter_names import IMAGE_MISSING, NO_IMAGE, event_source

KEEP_DAYS = 180
"""An image expires so many days after its build, except those with a tag of `MARKS`."""
MARKS = ("current", "previous")
"""Tags that each build moves: to its image, and to the one before it."""
LOG_DAYS = 90
BUILD_MINUTES = 90
"""A build that takes longer is ended."""
REFRESH = "rate(30 days)"

_ENVIRONMENTS = {
    Architecture.AARCH64: ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
    Architecture.X86_64: ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
}
"""Environment type and image of CodeBuild (CodeBuild user guide, Docker images provided by CodeBuild)."""
_END = "END-OF-FILE"


class BuiltImageArgs(TypedDict):
    """What one image is built from. Plain values, not outputs."""

    containerfile: str
    """Text of the Containerfile, which gets no files from outside. It must hold no secret."""
    arguments: Mapping[str, str]
    """Build arguments."""
    tag: str
    """Release and hash of all that it is built from; the time of the build comes behind it."""
    start: str
    """Shell commands that must succeed in a container of the image, without a network, before it is pushed."""


class ImageBuildArgs(TypedDict):
    """What an ImageBuild needs."""

    project: str
    """Name of the project in CodeBuild, which no other pod of the account has. A plain value, not an output."""
    images: Mapping[str, BuiltImageArgs]
    """What to build, by the name of the image, in this order. Plain values, not outputs."""
    architecture: Architecture
    """Processor that the images are for. A plain value, not an output."""
    parameters: Mapping[str, pulumi.Input[str]]
    """Name of the parameter of each image, which must change with the image's `tag`. The keys are plain, the values may
    be outputs."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told of a failed build."""
    refresh: NotRequired[bool]
    """Build again every 30 days; false when not set. A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class ImageBuild(pulumi.ComponentResource):
    """A project of CodeBuild that builds images, pushes them, and writes their digests to parameters.

    Nothing is built by itself: who finds a parameter without an image sends an event. StartBuild itself is for nobody,
    because its caller may replace the commands of the build, which has more rights than a machine.
    """

    repositories: Mapping[str, pulumi.Output[str]]
    """Address of each image's repository."""
    project_arn: pulumi.Output[str]
    """ARN of the project."""
    statements: Sequence[Statement]
    """What a machine's role must be allowed to have the images built, to see how far they are, and to pull them."""

    def __init__(self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        _check(name, args["images"])
        super().__init__("diaspora-infra:index:ImageBuild", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags")
        self._child = pulumi.ResourceOptions(parent=self)
        repositories = {image: self._repository(image) for image in args["images"]}
        arns = [repository.arn for repository in repositories.values()]
        log = aws.cloudwatch.LogGroup(
            f"{name}-images", retention_in_days=LOG_DAYS, tags=named(self._tags, f"{name} images"), opts=self._child
        )
        role, policy = self._build_role(log, arns)
        self.repositories = {image: repository.repository_url for image, repository in repositories.items()}
        project = self._project(log, role, policy)
        starts = self._starts(project)
        for image in args["images"]:
            self._parameter(image, [project, *starts])
        if "topic_arn" in args:
            self._alarm(project, args["topic_arn"])
        self.project_arn = project.arn
        bus = pulumi.Output.concat(self._arn("events"), ":event-bus/default")
        self.statements = machine_statements(bus, event_source(args["project"]), project.arn, arns)
        self.register_outputs(
            {"repositories": self.repositories, "projectArn": self.project_arn, "statements": self.statements}
        )

    def _repository(self, image: str) -> aws.ecr.Repository:
        name = f"{self._name}-{image}"
        repository = aws.ecr.Repository(
            name,
            # a tag that names a build stays; only the marks move
            image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
            image_tag_mutability_exclusion_filters=[{"filter": mark, "filter_type": "WILDCARD"} for mark in MARKS],
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            # everything in it can be built again
            force_delete=True,
            tags=named(self._tags, f"{self._name} {image}"),
            opts=self._child,
        )
        aws.ecr.LifecyclePolicy(name, repository=repository.name, policy=lifecycle_policy(), opts=self._child)
        return repository

    def _parameter(self, image: str, after: Sequence[pulumi.Resource]) -> None:
        """Tell a machine that an image can be built: the parameter comes when all else is there."""
        aws.ssm.Parameter(
            f"{self._name}-image-{image}",
            # another image has another parameter, so a machine never takes one for another
            name=self._args["parameters"][image],
            type="String",
            value=NO_IMAGE,
            tags=named(self._tags, f"{self._name} image {image}"),
            # the build writes the value
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["value"], depends_on=[*after]),
        )

    def _build_role(
        self, log: aws.cloudwatch.LogGroup, repositories: Sequence[pulumi.Output[str]]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        parameters = pulumi.Output.concat(self._arn("ssm"), ":parameter")
        statements: list[Statement] = [
            {
                "Sid": "Log",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": pulumi.Output.concat(log.arn, ":*"),
            },
            LOGIN,
            {
                "Sid": "Push",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:InitiateLayerUpload",
                    "ecr:UploadLayerPart",
                    "ecr:CompleteLayerUpload",
                    "ecr:PutImage",
                    "ecr:BatchGetImage",
                ],
                "Resource": [*repositories],
            },
            {
                "Sid": "NameImage",
                "Effect": "Allow",
                "Action": "ssm:PutParameter",
                "Resource": [
                    pulumi.Output.concat(parameters, self._args["parameters"][image]) for image in self._args["images"]
                ],
            },
        ]
        return self._role("build", "codebuild.amazonaws.com", "What a build of the images may do", statements)

    def _role(
        self, what: str, service: str, description: str, statements: Sequence[Statement]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """A role that a service takes, for this account only."""
        name = f"{self._name}-image-{what}"
        role = aws.iam.Role(
            name,
            assume_role_policy=account_id(self).apply(lambda account: trusting(service, account)),
            description=description,
            tags=named(self._tags, f"{self._name} image {what}"),
            opts=self._child,
        )
        return role, aws.iam.RolePolicy(name, role=role.id, policy=document_output(statements), opts=self._child)

    def _project(
        self, log: aws.cloudwatch.LogGroup, role: aws.iam.Role, policy: aws.iam.RolePolicy
    ) -> aws.codebuild.Project:
        kind, image = _ENVIRONMENTS[self._args["architecture"]]
        places = pulumi.Output.all(self.repositories, {**self._args["parameters"]})
        return aws.codebuild.Project(
            f"{self._name}-images",
            name=self._args["project"],
            description="Builds the images of the pod",
            service_role=role.arn,
            source={
                "type": "NO_SOURCE",
                "buildspec": places.apply(lambda found: buildspec(self._args["images"], found[0], found[1])),
            },
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": kind,
                "compute_type": "BUILD_GENERAL1_MEDIUM",
                "image": image,
                # Docker runs in the build
                "privileged_mode": True,
            },
            logs_config={"cloudwatch_logs": {"group_name": log.name}},
            build_timeout=BUILD_MINUTES,
            # two machines that find no image at once
            concurrent_build_limit=1,
            tags=named(self._tags, f"{self._name} images"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _starts(self, project: aws.codebuild.Project) -> list[pulumi.Resource]:
        """Start a build when a machine asks for it, and every month if wanted."""
        start: Statement = {
            "Sid": "StartBuild",
            "Effect": "Allow",
            "Action": "codebuild:StartBuild",
            "Resource": project.arn,
        }
        role, policy = self._role("start", "events.amazonaws.com", "Starts builds of the images", [start])
        asked = {"source": [event_source(self._args["project"])], "detail-type": [IMAGE_MISSING]}
        starts = [self._start("missing", project, role, policy, event_pattern=json.dumps(asked))]
        if self._args.get("refresh", IMAGE_REFRESH):
            starts.append(self._start("refresh", project, role, policy, schedule_expression=REFRESH))
        return starts

    def _start(
        self, why: str, project: aws.codebuild.Project, role: aws.iam.Role, policy: aws.iam.RolePolicy, **when: Any
    ) -> pulumi.Resource:
        name = f"{self._name}-image-{why}"
        rule = aws.cloudwatch.EventRule(
            name,
            description="Builds the images of the pod",
            tags=named(self._tags, f"{self._name} image {why}"),
            opts=self._child,
            **when,
        )
        return aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=project.arn,
            role_arn=role.arn,
            # parameters of StartBuild: none, whatever the event holds
            input="{}",
            # while a build runs no other starts, and none shall start after it
            retry_policy={"maximum_retry_attempts": 0, "maximum_event_age_in_seconds": 60},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _alarm(self, project: aws.codebuild.Project, topic_arn: pulumi.Input[str]) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-image-build",
            alarm_description="A build of the pod's images failed; its log is in CodeBuild",
            namespace="AWS/CodeBuild",
            metric_name="FailedBuilds",
            dimensions={"ProjectName": project.name},
            statistic="Sum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            period=300,
            evaluation_periods=1,
            # without builds there are no values, and the next failure is told again
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            tags=named(self._tags, f"{self._name} image build"),
            opts=self._child,
        )

    def _arn(self, service: str) -> pulumi.Output[str]:
        return pulumi.Output.concat("arn:", partition(self), ":", service, ":", region(self), ":", account_id(self))


LOGIN: Statement = {
    "Sid": "LogIn",
    "Effect": "Allow",
    "Action": "ecr:GetAuthorizationToken",
    # it belongs to no repository; what it is good for is said by the other statements
    "Resource": "*",
}


def machine_statements(
    bus: pulumi.Input[str],
    source: str,
    project: pulumi.Input[str],
    repositories: Sequence[pulumi.Input[str]],
) -> Sequence[Statement]:
    """Ask for a build, look at builds, and pull."""
    return [
        {
            "Sid": "AskForImages",
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": bus,
            "Condition": {"StringEquals": {"events:source": source}},
        },
        {
            "Sid": "LookAtBuilds",
            "Effect": "Allow",
            "Action": ["codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds"],
            "Resource": project,
        },
        LOGIN,
        {
            "Sid": "PullImages",
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": [*repositories],
        },
    ]


def lifecycle_policy() -> str:
    """Images expire by age, but for those with a mark.

    A rule counts either images or days. But an image that has the tags of a rule is never expired by a later one, so a
    rule that keeps one image of a mark, of which there is one, takes it out of the rule for all others.
    """
    keep = [
        {
            "rulePriority": priority,
            "description": f"keep the {mark} image",
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": [mark],
                "countType": "imageCountMoreThan",
                "countNumber": 1,
            },
            "action": {"type": "expire"},
        }
        for priority, mark in enumerate(MARKS, 1)
    ]
    expire = {
        "rulePriority": len(MARKS) + 1,
        "description": f"remove others after {KEEP_DAYS} days",
        "selection": {
            "tagStatus": "any",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": KEEP_DAYS,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [*keep, expire]})


def buildspec(
    images: Mapping[str, BuiltImageArgs], repositories: Mapping[str, str], parameters: Mapping[str, str]
) -> str:
    """What CodeBuild does, in YAML: it writes the files and builds one image after the other."""
    program = importlib.resources.files("diaspora_infra.aws").joinpath("build_image.sh").read_text(encoding="utf-8")
    commands = [_file("build_image.sh", program)]
    for name, image in images.items():
        arguments = "".join(f"{key}={value}\n" for key, value in sorted(image["arguments"].items()))
        files = {"Containerfile": image["containerfile"], "arguments": arguments, "start": image["start"]}
        commands += [f"mkdir {name}\n", *(_file(f"{name}/{file}", text) for file, text in files.items())]
        commands.append(f"bash build_image.sh {name} {repositories[name]} {image['tag']} {parameters[name]}\n")
    listed = "".join(f"      - |\n{textwrap.indent(command, ' ' * 8)}" for command in commands)
    return f"version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands:\n{listed}"


def _file(path: str, text: str) -> str:
    """A command of a shell that writes a file."""
    return f"cat > {path} << '{_END}'\n{text.rstrip()}\n{_END}\n"


def _check(component: str, images: Mapping[str, BuiltImageArgs]) -> None:
    if not images:
        raise ArgumentError(component, "images", "none is given", "name one or more")
    for name, image in images.items():
        texts = (image["containerfile"], image["start"], *image["arguments"].values())
        if any(_END in text or "\r" in text for text in texts):
            problem = f"a text holds {_END} or a carriage return"
            raise ArgumentError(component, f"images.{name}", problem, "leave it out")
