"""The lab's own failures."""


class LabError(Exception):
    """A failure that the user can fix; the text is one line."""
