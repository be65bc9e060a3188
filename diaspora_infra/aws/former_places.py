"""Resources that each topology and edge makes in another component, and of which AWS takes only one at a time.

The engine makes what is new before it deletes what is old. With an alias it takes the old one for the new one instead,
and changes it.
"""

import pulumi

POD = ""
"""In place of a component: in the pod itself."""
BALANCER, HTTP_API, MACHINE = (f"diaspora-infra:index:{name}" for name in ("LoadBalancer", "HttpApi", "Machine"))

PLACES = (
    (
        # a name has one record of a type
        "aws:route53/record:Record",
        ((BALANCER, "web-a"), (HTTP_API, "http-api-a"), (POD, "domain")),
    ),
    ("aws:route53/record:Record", ((BALANCER, "web-aaaa"), (HTTP_API, "http-api-aaaa"))),
    (
        # and a VPC one endpoint
        "aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint",
        ((MACHINE, "shell"), (POD, "shell")),
    ),
)
"""Types of resources, and where each is made: the component, and the end of its name."""


def takes_over(name: str, pod: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options for a part of a pod, or for a resource in the pod itself, by which it takes over what others had."""

    def alias(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        for kind, places in PLACES:
            names = [f"{name}-{end}" for _, end in places]
            if args.type_ != kind or args.name not in names:
                continue
            others = [
                _urn(name, pod, kind, component, f"{name}-{end}")
                for component, end in places
                # the shell endpoint has one name in both places, and its own place is no alias
                if f"{name}-{end}" != args.name or component != _component(args)
            ]
            options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(aliases=others))
            return pulumi.ResourceTransformationResult(args.props, options)
        return None

    return pulumi.ResourceOptions(parent=pod, transformations=[alias])


def _component(args: pulumi.ResourceTransformationArgs) -> str:
    """Type of the component that a resource is in; that of a pod is `POD`."""
    parent = args.opts.parent
    kind = "" if parent is None else str(parent.pulumi_resource_type)
    return POD if kind.endswith(":AwsPod") else kind


def _urn(name: str, pod: pulumi.Resource, kind: str, component: str, resource: str) -> pulumi.Output[str]:
    """Where a resource of a pod would be. All components of a pod have its name."""
    parent = pulumi.create_urn(name, component, pod) if component != POD else pod.urn
    return pulumi.create_urn(resource, kind, parent)
