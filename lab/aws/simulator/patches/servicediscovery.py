"""Cloud Map: registering an instance again."""

from typing import Any

from moto.servicediscovery.models import ServiceDiscoveryBackend


def apply() -> None:
    """Without: an instance that is registered again with another address is there twice."""
    original = ServiceDiscoveryBackend.register_instance

    def register(self: Any, service_id: str, instance_id: str, *arguments: Any, **named: Any) -> Any:
        service = self.get_service(service_id)
        service.instances = [instance for instance in service.instances if instance.instance_id != instance_id]
        return original(self, service_id, instance_id, *arguments, **named)

    ServiceDiscoveryBackend.register_instance = register
