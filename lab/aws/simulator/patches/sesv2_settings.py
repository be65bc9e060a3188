"""SES: the options and event destinations of a configuration set."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.ses.models import ConfigurationSet
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response

_OPTIONS = ("delivery", "reputation", "sending", "suppression", "tracking", "vdm")
_SET = "{0}/v2/email/configuration-sets/(?P<name>[^/]+)"


def apply() -> None:
    """Without: a set answers JSON that no client can read, and its event destinations are unknown operations."""
    ConfigurationSet.to_dict_v2 = _to_dict
    for option in _OPTIONS:
        setattr(SESV2Response, f"put_configuration_set_{option}_options", _put(option))
    for name, method in {
        "create_configuration_set_event_destination": _create_destination,
        "get_configuration_set_event_destinations": _get_destinations,
        "update_configuration_set_event_destination": _update_destination,
        "delete_configuration_set_event_destination": _delete_destination,
        "put_email_identity_configuration_set_attributes": _put_identity,
    }.items():
        setattr(SESV2Response, name, method)
    paths = [
        *(f"{_SET}/{option}-options$" for option in _OPTIONS),
        f"{_SET}/event-destinations$",
        f"{_SET}/event-destinations/(?P<destination>[^/]+)$",
        "{0}/v2/email/identities/(?P<name>[^/]+)/configuration-set$",
    ]
    urls.url_paths = {**dict.fromkeys(paths, SESV2Response.dispatch), **urls.url_paths}


def _to_dict(settings: Any) -> dict[str, Any]:
    sending = settings.enabled if isinstance(settings.enabled, dict) else {"SendingEnabled": settings.enabled}
    answer = {
        "ConfigurationSetName": settings.configuration_set_name,
        "ReputationOptions": {"ReputationMetricsEnabled": False, **settings.reputation_options},
        "SendingOptions": {"SendingEnabled": True, **sending},
        "DeliveryOptions": settings.delivery_options,
        "TrackingOptions": settings.tracking_options,
        "SuppressionOptions": settings.suppression_options,
        "VdmOptions": settings.vdm_options,
    }
    return {name: value for name, value in answer.items() if value}


def _put(option: str) -> Callable[[Any], str]:
    attribute = "enabled" if option == "sending" else f"{option}_options"

    def put(response: Any) -> str:
        setattr(_settings(response), attribute, json.loads(response.body))
        return "{}"

    return put


def _create_destination(response: Any) -> str:
    body = json.loads(response.body)
    _destinations(response)[body["EventDestinationName"]] = body["EventDestination"]
    return "{}"


def _get_destinations(response: Any) -> str:
    destinations = [{"Name": name, **destination} for name, destination in _destinations(response).items()]
    return json.dumps({"EventDestinations": destinations})


def _update_destination(response: Any) -> str:
    _destinations(response)[_part(response, 1)] = json.loads(response.body)["EventDestination"]
    return "{}"


def _delete_destination(response: Any) -> str:
    _destinations(response).pop(_part(response, 1), None)
    return "{}"


def _put_identity(response: Any) -> str:
    identity = response.sesv2_backend.get_email_identity(_part(response, 0, "identities"))
    identity.configuration_set_name = json.loads(response.body).get("ConfigurationSetName")
    return "{}"


def _settings(response: Any) -> Any:
    return response.sesv2_backend.get_configuration_set(_part(response, 0))


def _destinations(response: Any) -> dict[str, Any]:
    destinations: dict[str, Any] = _settings(response).__dict__.setdefault("_destinations", {})
    return destinations


def _part(response: Any, index: int, after: str = "configuration-sets") -> str:
    """The name in the path after the kind of thing (0), or after that of a part of it (1)."""
    parts = response.uri.split("?")[0].split(f"/{after}/")[1].split("/")
    return unquote(parts[2 * index])
