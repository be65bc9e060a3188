"""A virtual machine that boots over the network, installs itself and starts the pod: its images, hardware and disk.

The kernel and programs are Debian's; coreos-installer and Ignition are the pinned ones. What Fedora CoreOS does around
Ignition is mocked by initrd/network-install: the order of its stages, the growing of the root filesystem.
docs/boot-tests.md says what is real.
"""
