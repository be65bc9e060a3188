"""The key `host`: what every machine has, and its networks."""
