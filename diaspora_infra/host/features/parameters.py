"""Secrets and facts of a machine on AWS: read from Parameter Store at boot, and again every 15 minutes."""

from diaspora_infra.config.aws.parameter_names import (
    BUNDLE,
    BUNDLE_APPLIED,
    IMAGES,
    machine_parameters,
    parameter_path,
)
from diaspora_infra.host.fragment import AwsContext, Fragment, combine
from diaspora_infra.host.templates import file, render_tree

DROP_IN = "/etc/systemd/system/diaspora-secrets.service.d/10-parameters.conf"
AFTER_PARAMETERS = "[Unit]\nRequires=diaspora-parameters.service\nAfter=diaspora-parameters.service\n"


def parameters(context: AwsContext) -> Fragment:
    """Fetch them before secrets are handed to podman, and look for another bundle."""
    aws, pod = context.aws, context.pod
    found = machine_parameters(aws, pod)
    path = parameter_path(aws, pod)
    tree = render_tree(
        "parameters",
        path=path,
        bundle=BUNDLE,
        bundle_applied=BUNDLE_APPLIED,
        images=IMAGES,
        architecture=context.architecture,
        rows=[
            f"{entry.existing or f'{path}/{entry.name}'} {entry.name} {entry.file_name} {entry.form} {entry.user}"
            for entry in found
        ],
    )
    return combine([tree, {"storage": {"files": [file(DROP_IN, AFTER_PARAMETERS)]}}])
