"""Cloud Map: an instance that is registered again.

moto 5.2.5: an instance that is registered again with another address is there twice.
AWS: it is updated (https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html).
Changes moto/servicediscovery/models.py.
"""

from moto.servicediscovery.models import ServiceDiscoveryBackend

_original_register_instance = ServiceDiscoveryBackend.register_instance


def register_instance(
    self: ServiceDiscoveryBackend,
    service_id: str,
    instance_id: str,
    creator_request_id: str,
    attributes: dict[str, str],
) -> str:
    """Register an instance in place of one with the same id."""
    service = self.get_service(service_id)
    service.instances = [each for each in service.instances if each.instance_id != instance_id]
    return _original_register_instance(self, service_id, instance_id, creator_request_id, attributes)


PATCHES = [(ServiceDiscoveryBackend, "register_instance", register_instance)]
