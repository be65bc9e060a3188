"""Defaults and bounds of component arguments. They are those of the settings, so that each stands once."""

from pydantic import BaseModel

from diaspora_infra.config.aws.aws import (
    Aws,
    AwsBackups,
    AwsDatabase,
    AwsDns,
    AwsHttpApi,
    AwsMail,
    AwsRelease,
    Instance,
    Network,
)
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.problems import range_words

BACKUPS = AwsBackups()
DATABASE = AwsDatabase()
DNS = AwsDns()
HTTP_API = AwsHttpApi()
INSTANCE = Instance()
MAIL = AwsMail()
NETWORK = Network()
RELEASE = AwsRelease()
PROTECT: bool = Aws.model_fields["protect"].default
IMAGE_REFRESH: bool = Pod.model_fields["image_refresh"].default
EDGE: str = Aws.model_fields["edge"].default


def allowed_numbers(model: type[BaseModel], field: str, value: float) -> str | None:
    """What a setting allows, such as `1 to 35`, where it does not allow a number; None where it does."""
    constraints = model.model_fields[field].metadata
    minimum = next(constraint.ge for constraint in constraints if hasattr(constraint, "ge"))
    maximum = next(constraint.le for constraint in constraints if hasattr(constraint, "le"))
    step = next((constraint.multiple_of for constraint in constraints if hasattr(constraint, "multiple_of")), None)
    if not minimum <= value <= maximum:
        return range_words(minimum, maximum)
    return f"steps of {step}" if step is not None and value % step else None
