"""A virtual machine that boots over the network and installs itself: its images, its hardware, its disk.

The kernel and programs are Debian's, Ignition is the pinned one. What Fedora CoreOS would do around it is played by
initrd/network-install: coreos-installer, the order of Ignition's stages, the growing of the root filesystem.
"""
