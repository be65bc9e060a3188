"""From what the user wrote to the settings that a stack is built from."""

from diaspora_infra.config.aws.derived import derived_aws, derived_on_aws
from diaspora_infra.config.settings import AwsSettings, IgnitionSettings, PxeSettings, Settings, WrittenSettings
from diaspora_infra.config.types import Target


def derive(written: WrittenSettings) -> Settings:
    """Take the parts of the chosen target, and add the values that follow from them.

    Raises ValueError when the target's own key is missing, and for target provisioning, which has no pod.
    """
    pod, host = written.pod, written.host
    if written.target is Target.PXE and written.pxe:
        return PxeSettings(pod=pod, host=host, pxe=written.pxe)
    if written.target is Target.AWS and written.aws:
        aws = derived_aws(written.aws)
        pod, host = derived_on_aws(pod, host, aws)
        return AwsSettings(pod=pod, host=host, aws=aws)
    if written.target is Target.IGNITION:
        return IgnitionSettings(pod=pod, host=host, ignition=written.ignition)
    raise ValueError(f"no stack with a pod: target {written.target}, and the key of that name")
