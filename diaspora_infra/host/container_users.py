"""The users of the containers: one table of the uid in each image, and of the uid on the machine.

A container runs in a user namespace of its own, in which the uid of its image is another one on the machine. So each
image keeps the user that it was built for (PostgreSQL looks its name up, diaspora* has its home folder), and no two
containers are the same user of the machine. podman mounts the layers of the image with the same mapping: on the kernel
and the filesystem of Fedora CoreOS nothing is copied.

The numbers on the machine are fixed for ever: the files on the data partition belong to them over reinstallations.
Fedora gives its system users numbers from 999 downwards (a release has about 40), people from 1000, subordinate ids
from 524288.
"""

from dataclasses import dataclass

from diaspora_infra.config import Pod

# Ids of an image that own nothing on the machine; the same for all containers, where nothing runs as one of them.
FIRST_OTHER_ID = 400_000
OTHER_IDS = 65_536


_DIASPORA = 813


@dataclass(frozen=True)
class ContainerUser:
    """A user (and the group with the same number): `image` in the container, `host` on the machine."""

    image: int
    host: int

    @property
    def maps(self) -> tuple[str, ...]:
        """The mapping of the user namespace, as podman's `--uidmap` takes it; groups follow it."""
        after = self.image + 1
        return (
            f"0:{FIRST_OTHER_ID}:{self.image}",
            f"{self.image}:{self.host}:1",
            f"{after}:{FIRST_OTHER_ID + after}:{OTHER_IDS - after}",
        )

    @property
    def options(self) -> str:
        """The options of `podman run` for this user."""
        return " ".join([f"--user={self.image}:{self.image}", *(f"--uidmap={entry}" for entry in self.maps)])


@dataclass(frozen=True)
class ContainerUsers:
    """The user of each container of a pod. diaspora* stands for all containers of its image."""

    diaspora: ContainerUser
    # Debian variants of the official images of postgres and redis, all variants of nginx
    postgresql: ContainerUser = ContainerUser(image=999, host=811)
    redis: ContainerUser = ContainerUser(image=999, host=812)
    nginx: ContainerUser = ContainerUser(image=101, host=814)
    # These images need no user of their own: certbot has none, PgBouncer writes to /tmp only.
    certbot: ContainerUser = ContainerUser(image=102, host=815)
    pgbouncer: ContainerUser = ContainerUser(image=104, host=816)
    # containers/relay/Containerfile
    relay_dkim: ContainerUser = ContainerUser(image=203, host=817)


# Postfix starts as root, and is not mapped: the same number in the image and on the machine.
RELAY_POSTFIX_UID = 201


def container_users(pod: Pod) -> ContainerUsers:
    """The users of this pod's containers; that of diaspora* follows from the layout of its image."""
    return ContainerUsers(diaspora=ContainerUser(image=pod.image_layout.uid, host=_DIASPORA))


def named_host_ids() -> dict[int, str]:
    """The accounts of the machine by number; those are the same for all pods."""
    return {number: name for name, number in named_users(ContainerUsers(ContainerUser(0, _DIASPORA))).items()}


def named_users(users: ContainerUsers) -> dict[str, int]:
    """The accounts of the machine by name: so `ls` and `ps` show names, and no package takes the numbers."""
    return {f"pod-{name.replace('_', '-')}": user.host for name, user in sorted(vars(users).items())}
