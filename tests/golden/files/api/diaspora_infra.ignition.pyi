class Ignition(pulumi.ComponentResource):
    def __init__(self, name: str, args: IgnitionArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    ignition: pulumi.Output[str]
class IgnitionArgs(TypedDict):
    host: pulumi.Input[HostTable]
    machine: pulumi.Input[MachineTable]
    pod: pulumi.Input[PodTable]
    secrets: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
