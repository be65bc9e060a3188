"""The lab: a real matchbox server and a real Pulumi engine on this computer, for `make up` and the tests.

Everything that it makes lies in one folder (`.lab`, ignored by git): certificates, matchbox's data, the engine's home
and state, a passphrase. Nothing listens on another address than 127.0.0.1.
"""
