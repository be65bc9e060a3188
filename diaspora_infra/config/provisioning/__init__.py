"""The key `provisioning`: the server that other machines boot from."""
