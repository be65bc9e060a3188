"""What stops a release."""


class ReleaseError(Exception):
    """Something is not ready, or does not pass a check: what, and how to fix it."""
