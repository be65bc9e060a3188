"""A virtual machine that boots over the network, installs itself and starts the pod: its images, hardware and disk.

The kernel and programs are Debian's; Ignition, podman and Quadlet are the pinned ones. What Fedora CoreOS would do
around Ignition is mocked by initrd/network-install: coreos-installer, the order of Ignition's stages, the growing of
the root filesystem. docs/boot-tests.md says what is real.
"""
