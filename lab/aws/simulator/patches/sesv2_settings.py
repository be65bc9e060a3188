"""SES: the options and event destinations of a configuration set, and the set of an identity.

moto 5.2.5: a configuration set answers JSON that no client can read (a table in the place of a boolean); its options
cannot be changed; its event destinations, and PutEmailIdentityConfigurationSetAttributes, are unknown operations.
AWS: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutConfigurationSetDeliveryOptions.html and its siblings,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSetEventDestination.html and its siblings,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutEmailIdentityConfigurationSetAttributes.html.
Changes moto/ses/models.py, moto/sesv2/responses.py, moto/sesv2/urls.py.
"""

import json
from typing import Any
from urllib.parse import unquote

from moto.ses.models import ConfigurationSet
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response

_SET = "{0}/v2/email/configuration-sets/(?P<ConfigurationSetName>[^/]+)"
_URLS = (
    *(f"{_SET}/{kind}-options$" for kind in ("delivery", "reputation", "sending", "suppression", "tracking", "vdm")),
    f"{_SET}/event-destinations$",
    f"{_SET}/event-destinations/(?P<EventDestinationName>[^/]+)$",
    "{0}/v2/email/identities/(?P<EmailIdentity>[^/]+)/configuration-set$",
)
_original_set = ConfigurationSet.__init__


def init_set(self: ConfigurationSet, *args: Any, **kwargs: Any) -> None:
    """Keep event destinations."""
    _original_set(self, *args, **kwargs)
    self.event_destinations = {}


def to_dict_v2(self: ConfigurationSet) -> dict[str, Any]:
    """What GetConfigurationSet answers."""
    enabled: Any = self.enabled  # a boolean from SES v1, a table from v2
    sending = enabled if isinstance(enabled, dict) else {"SendingEnabled": enabled}
    answer = {
        "ConfigurationSetName": self.configuration_set_name,
        "ReputationOptions": {"ReputationMetricsEnabled": False, **self.reputation_options},
        "SendingOptions": {"SendingEnabled": True, **sending},
        "DeliveryOptions": self.delivery_options,
        "TrackingOptions": self.tracking_options,
        "SuppressionOptions": self.suppression_options,
        "VdmOptions": self.vdm_options,
    }
    return {name: value for name, value in answer.items() if value}


def put_configuration_set_delivery_options(self: SESV2Response) -> str:
    """PutConfigurationSetDeliveryOptions."""
    _configuration_set(self).delivery_options = json.loads(self.body)
    return json.dumps({})


def put_configuration_set_reputation_options(self: SESV2Response) -> str:
    """PutConfigurationSetReputationOptions."""
    _configuration_set(self).reputation_options = json.loads(self.body)
    return json.dumps({})


def put_configuration_set_sending_options(self: SESV2Response) -> str:
    """PutConfigurationSetSendingOptions."""
    _configuration_set(self).enabled = json.loads(self.body)
    return json.dumps({})


def put_configuration_set_suppression_options(self: SESV2Response) -> str:
    """PutConfigurationSetSuppressionOptions."""
    _configuration_set(self).suppression_options = json.loads(self.body)
    return json.dumps({})


def put_configuration_set_tracking_options(self: SESV2Response) -> str:
    """PutConfigurationSetTrackingOptions."""
    _configuration_set(self).tracking_options = json.loads(self.body)
    return json.dumps({})


def put_configuration_set_vdm_options(self: SESV2Response) -> str:
    """PutConfigurationSetVdmOptions."""
    _configuration_set(self).vdm_options = json.loads(self.body)
    return json.dumps({})


def create_configuration_set_event_destination(self: SESV2Response) -> str:
    """CreateConfigurationSetEventDestination."""
    destinations = _configuration_set(self).event_destinations
    destinations[self._get_param("EventDestinationName")] = self._get_param("EventDestination")
    return json.dumps({})


def get_configuration_set_event_destinations(self: SESV2Response) -> str:
    """GetConfigurationSetEventDestinations."""
    destinations = _configuration_set(self).event_destinations
    return json.dumps({"EventDestinations": [{"Name": name, **each} for name, each in destinations.items()]})


def update_configuration_set_event_destination(self: SESV2Response) -> str:
    """UpdateConfigurationSetEventDestination."""
    name = unquote(self._get_param("EventDestinationName"))
    _configuration_set(self).event_destinations[name] = self._get_param("EventDestination")
    return json.dumps({})


def delete_configuration_set_event_destination(self: SESV2Response) -> str:
    """DeleteConfigurationSetEventDestination."""
    name = unquote(self._get_param("EventDestinationName"))
    _configuration_set(self).event_destinations.pop(name, None)
    return json.dumps({})


def put_email_identity_configuration_set_attributes(self: SESV2Response) -> str:
    """PutEmailIdentityConfigurationSetAttributes."""
    identity = self.sesv2_backend.get_email_identity(unquote(self._get_param("EmailIdentity")))
    identity.configuration_set_name = self._get_param("ConfigurationSetName")
    return json.dumps({})


def _configuration_set(response: SESV2Response) -> Any:
    return response.sesv2_backend.get_configuration_set(unquote(response._get_param("ConfigurationSetName")))


PATCHES = [
    (ConfigurationSet, "__init__", init_set),
    (ConfigurationSet, "to_dict_v2", to_dict_v2),
    (SESV2Response, "put_configuration_set_delivery_options", put_configuration_set_delivery_options),
    (SESV2Response, "put_configuration_set_reputation_options", put_configuration_set_reputation_options),
    (SESV2Response, "put_configuration_set_sending_options", put_configuration_set_sending_options),
    (SESV2Response, "put_configuration_set_suppression_options", put_configuration_set_suppression_options),
    (SESV2Response, "put_configuration_set_tracking_options", put_configuration_set_tracking_options),
    (SESV2Response, "put_configuration_set_vdm_options", put_configuration_set_vdm_options),
    (SESV2Response, "create_configuration_set_event_destination", create_configuration_set_event_destination),
    (SESV2Response, "get_configuration_set_event_destinations", get_configuration_set_event_destinations),
    (SESV2Response, "update_configuration_set_event_destination", update_configuration_set_event_destination),
    (SESV2Response, "delete_configuration_set_event_destination", delete_configuration_set_event_destination),
    (SESV2Response, "put_email_identity_configuration_set_attributes", put_email_identity_configuration_set_attributes),
    *((urls.url_paths, url, SESV2Response.dispatch) for url in _URLS),
]
