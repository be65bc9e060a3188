"""What differs on AWS: the settings of that target, and what they move away from the machine."""

from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.host.fragment import MachineContext


def aws_of(context: MachineContext) -> Aws | None:
    """The settings of the target `aws`; None for any other target, also when the stack file has the key `aws`."""
    settings = context.settings
    return settings.aws if isinstance(settings, AwsSettings) else None


def has_external_database(context: MachineContext) -> bool:
    """Tell whether AWS runs the database, and the machine only leads to it."""
    aws = aws_of(context)
    return aws is not None and aws.database.engine != "onInstance"


def has_uploads_bucket(context: MachineContext) -> bool:
    """Tell whether uploads are in the bucket that the stack makes, and not on the data partition."""
    aws = aws_of(context)
    return aws is not None and aws.uploads == "bucket"


def has_backup_bucket(context: MachineContext) -> bool:
    """Tell whether the pod's backups go to the bucket that the stack makes."""
    aws = aws_of(context)
    return aws is not None and aws.backups.bucket
