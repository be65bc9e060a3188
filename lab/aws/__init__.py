"""AWS on this computer: a simulator of the account, and the provider that the engine talks to it through."""
