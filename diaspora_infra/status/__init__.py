"""How far the machines of a pod on several machines are, for `diaspora-infra status`."""
