"""The one error of this package."""


class ToolError(Exception):
    """A tool cannot be provided; the text names the tool and the cause."""
