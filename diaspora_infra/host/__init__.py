"""What one machine holds: features rendered into a Butane document, and that into Ignition. No Pulumi here."""

from diaspora_infra.host.render import Parts, Rendered, butane_document, render

__all__ = ["Parts", "Rendered", "butane_document", "render"]
