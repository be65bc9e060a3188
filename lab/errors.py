"""The lab's own failures."""


class LabError(Exception):
    """Something that a user has to know and can mend; the text is one line."""
