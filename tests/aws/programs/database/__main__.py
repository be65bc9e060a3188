"""A database alone, in a network that is there already."""

import pulumi

from diaspora_infra.aws import Database

config = pulumi.Config("diaspora-infra")
database = Database("pod", config.require_object("database"))
pulumi.export("host", database.host)
pulumi.export("password", database.password)
pulumi.export("finalSnapshot", database.final_snapshot)
