"""What moto finds out anew for each request, found out once: a quarter of its time."""

from functools import cache
from typing import Any

import botocore.session
import moto.backends
import moto.core.responses
import moto.core.utils


def apply() -> None:
    """Remember moto's services, the actions of each, and what botocore has read of them."""
    # a list of moto's folders for each request
    services = list(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: services
    # all attributes of a class for each request
    responses: Any = moto.core.responses
    responses.method_names_from_class = cache(moto.core.utils.method_names_from_class)
    # each session and each service has a loader of its own, which looks through all files again
    readers: list[Any] = [botocore.session, moto.core.utils]
    for module in readers:
        module.create_loader = cache(module.create_loader)
