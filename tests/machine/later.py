"""Code that the stand-ins for podman and systemctl import late: they start often, and imports take half of a start."""

LATER = '''
class Later:
    """A module that is imported when it is used: most calls need few of them."""

    def __init__(self, name):
        self.__dict__["name"] = name

    def __getattr__(self, attribute):
        return getattr(__import__(self.name), attribute)
'''
