"""Every type of resource that the program may make has a price somewhere, or is known to have none."""

from decimal import Decimal

import pytest

from diaspora_infra.config import load
from diaspora_infra.cost import TRAFFIC, monthly_items
from lab.aws.bridge.types import RESOURCES
from tests.support.configs import aws_config, without_images

PAID_BY = {
    "apigatewayv2/api:Api": "API Gateway requests",
    "backup/vault:Vault": "Snapshots of the data volume",
    "cloudwatch/logGroup:LogGroup": "Logs",
    "codebuild/project:Project": "Builds of images",
    "dlm/lifecyclePolicy:LifecyclePolicy": "Snapshots of the data volume",
    "ebs/volume:Volume": "Data volume",
    "ec2/eip:Eip": "Public IPv4 address",
    "ec2/flowLog:FlowLog": "Logs",
    "ec2/instance:Instance": "Machine t4g.micro",
    "ecr/repository:Repository": "Images in ECR",
    "rds/cluster:Cluster": "Aurora storage",
    "rds/clusterInstance:ClusterInstance": "Aurora capacity",
    "rds/instance:Instance": "RDS db.t4g.micro",
    "route53/zone:Zone": "Hosted zone",
    "s3/bucket:Bucket": "Uploads in S3",
    "s3/bucketObjectv2:BucketObjectv2": "Writes to S3",
    "servicediscovery/instance:Instance": "Cloud Map instance",
    "sesv2/emailIdentity:EmailIdentity": "Mails by SES",
}
"""The item that pays for a type."""

FREE = {
    # parts of what is paid for elsewhere, and what says how it works
    "apigatewayv2/apiMapping:ApiMapping", "apigatewayv2/domainName:DomainName",
    "apigatewayv2/integration:Integration", "apigatewayv2/route:Route", "apigatewayv2/stage:Stage",
    "backup/plan:Plan", "backup/selection:Selection",
    "ec2/eipAssociation:EipAssociation", "ec2/volumeAttachment:VolumeAttachment",
    "rds/clusterParameterGroup:ClusterParameterGroup", "rds/parameterGroup:ParameterGroup",
    "rds/subnetGroup:SubnetGroup", "route53/record:Record",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "s3/bucketOwnershipControls:BucketOwnershipControls", "s3/bucketPolicy:BucketPolicy",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "s3/bucketVersioning:BucketVersioning",
    "servicediscovery/httpNamespace:HttpNamespace", "servicediscovery/service:Service",
    "sesv2/configurationSet:ConfigurationSet",
    "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
    "sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
    "ecr/lifecyclePolicy:LifecyclePolicy",
    # a dollar for a million events that a machine sends
    "cloudwatch/eventRule:EventRule", "cloudwatch/eventTarget:EventTarget",
    # no price at all
    "acm/certificate:Certificate", "acm/certificateValidation:CertificateValidation",
    "apigatewayv2/vpcLink:VpcLink",
    "ec2/defaultSecurityGroup:DefaultSecurityGroup", "ec2/internetGateway:InternetGateway", "ec2/route:Route",
    "ec2/routeTable:RouteTable", "ec2/routeTableAssociation:RouteTableAssociation",
    "ec2/securityGroup:SecurityGroup", "ec2/subnet:Subnet", "ec2/vpc:Vpc",
    "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint",
    "iam/accessKey:AccessKey", "iam/instanceProfile:InstanceProfile", "iam/role:Role", "iam/rolePolicy:RolePolicy",
    "iam/rolePolicyAttachment:RolePolicyAttachment", "iam/user:User", "iam/userPolicy:UserPolicy",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule", "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    # as long as it is a gateway endpoint: tests/support/aws_bill.py sees to that
    "ec2/vpcEndpoint:VpcEndpoint",
    # within what every account has free: standard parameters, ten alarms (a pod on several machines pays for one more),
    # a thousand mails, budgets without actions
    "budgets/budget:Budget", "cloudwatch/metricAlarm:MetricAlarm", "sns/topic:Topic", "sns/topicPolicy:TopicPolicy",
    "sns/topicSubscription:TopicSubscription", "ssm/parameter:Parameter",
}  # fmt: skip

IN_NO_POD = {
    "autoscaling/group:Group", "ec2/launchTemplate:LaunchTemplate",
    "elasticache/parameterGroup:ParameterGroup", "elasticache/replicationGroup:ReplicationGroup",
    "elasticache/subnetGroup:SubnetGroup",
    "lb/listener:Listener", "lb/loadBalancer:LoadBalancer", "lb/targetGroup:TargetGroup",
}  # fmt: skip
"""Parts for programs of one's own, whose prices docs/aws.md names."""


def test_every_resource_type_has_an_item_or_is_free() -> None:
    resource_types = {name.removeprefix("aws:") for name in RESOURCES}
    assert resource_types - FREE - PAID_BY.keys() - IN_NO_POD == set(), (
        "has it a price? Then it needs an item in diaspora_infra/cost/items.py"
    )
    assert FREE & PAID_BY.keys() == set()


@pytest.mark.parametrize("engine", ["auroraServerless", "rds"])
def test_items_of_paid_resource_types_exist(engine: str) -> None:
    changes = {"database": {"engine": engine}, "network": {"flowLogsDays": 30}}
    values = without_images(aws_config(region="eu-west-1", **changes))
    items = monthly_items(load(values), TRAFFIC["typical"], Decimal(60))
    names = {item.name for item in items}
    other = "RDS" if engine == "auroraServerless" else "Aurora"
    assert {name for name in PAID_BY.values() if not name.startswith(other)} <= names
