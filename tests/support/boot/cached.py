"""`cached` of the tools, for the modules that say here what they make."""

from tools.cached import cached

__all__ = ["cached"]
