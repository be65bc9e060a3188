"""Secrets and facts of a machine on AWS: read from Parameter Store at boot, and again every 15 minutes."""

from diaspora_infra.config.aws.parameter_names import (
    BUNDLE,
    BUNDLE_APPLIED,
    IMAGES,
    generated_path,
    machine_parameters,
    parameter_path,
)
from diaspora_infra.host.fragment import AwsContext, Fragment, combine
from diaspora_infra.host.templates import file, render_tree

DROP_IN = "/etc/systemd/system/diaspora-secrets.service.d/10-parameters.conf"
AFTER_PARAMETERS = "[Unit]\nRequires=diaspora-parameters.service\nAfter=diaspora-parameters.service\n"


def parameters(context: AwsContext) -> Fragment:
    """Fetch them before secrets are handed to podman, and look for another bundle.

    Machines in groups also share the secrets that one of them has made.
    """
    aws, pod = context.aws, context.pod
    found = machine_parameters(aws, pod, context.role)
    path = parameter_path(aws, pod)
    tree = render_tree(
        "parameters",
        path=path,
        bundle=BUNDLE,
        bundle_applied=BUNDLE_APPLIED,
        images=IMAGES,
        in_group=context.in_group,
        application=" ".join(context.application_units),
        architecture=context.architecture,
        rows=[
            f"{entry.existing or f'{path}/{entry.name}'} {entry.name} {entry.file_name} {entry.form} {entry.user}"
            for entry in found
        ],
    )
    shared = render_tree("shared_secrets", path=generated_path(aws, pod)) if context.in_group else {}
    return combine([tree, shared, {"storage": {"files": [file(DROP_IN, AFTER_PARAMETERS)]}}])
