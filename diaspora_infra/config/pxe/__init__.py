"""The key `pxe`: machines that boot over the network."""
