class FleetMachine:
    def __init__(self, name: str, mac: str, boot: Boot, ignition: str, own: str = '') -> None: ...
    boot: Boot
    ignition: str
    mac: str
    name: str
    own: str
class ProvisioningServer(pulumi.ComponentResource):
    def __init__(self, name: str, args: ProvisioningServerArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    http_url: pulumi.Output[str]
    ignition: pulumi.Output[str]
    next_steps: pulumi.Output[list[str]]
    rpc_endpoint: pulumi.Output[str]
class ProvisioningServerArgs(TypedDict):
    host: pulumi.Input[HostTable]
    provisioning: pulumi.Input[ProvisioningTable]
class PxeFleet(pulumi.ComponentResource):
    def __init__(self, name: str, args: PxeFleetArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    groups: pulumi.Output[list[str]]
    placed: Sequence[Placed]
class PxeFleetArgs(TypedDict):
    machines: Sequence[FleetMachine]
    secrets: NotRequired[Sequence[str]]
class PxePod(pulumi.ComponentResource):
    def __init__(self, name: str, args: PxePodArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    config: pulumi.Output[str]
    group: pulumi.Output[str] | None
    ignition_url: pulumi.Output[str]
    ipxe_url: pulumi.Output[str]
    profile: pulumi.Output[str]
class PxePodArgs(TypedDict):
    architecture: NotRequired[pulumi.Input[str]]
    console: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    disk: pulumi.Input[str]
    ignition: pulumi.Input[str]
    images_from_matchbox: NotRequired[pulumi.Input[bool]]
    kernel_arguments: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    mac: pulumi.Input[str]
    matchbox_url: pulumi.Input[str]
    revision: NotRequired[str]
    serve: NotRequired[bool]
    stream: NotRequired[pulumi.Input[str]]
    version: pulumi.Input[str]
def revision_of(name: str, ignition: str, boot: Boot, *, secret: bool) -> str: ...
