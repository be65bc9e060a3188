"""Commands of `diaspora-infra` that have commands of their own. Each module adds its own to the parser."""
