"""Where a component's provider works: account, region and partition."""

import pulumi
import pulumi_aws as aws


def account_id(component: pulumi.Resource) -> pulumi.Output[str]:
    """Number of the account, 12 digits."""
    return aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=component)).account_id


def region(component: pulumi.Resource) -> pulumi.Output[str]:
    """Region, such as eu-west-1."""
    return aws.get_region_output(opts=pulumi.InvokeOptions(parent=component)).region


def dns_suffix(component: pulumi.Resource) -> pulumi.Output[str]:
    """Domain of the partition's services, such as amazonaws.com or amazonaws.com.cn."""
    return aws.get_partition_output(opts=pulumi.InvokeOptions(parent=component)).dns_suffix


def partition(component: pulumi.Resource) -> pulumi.Output[str]:
    """Partition, which is part of every ARN, such as aws or aws-cn."""
    return aws.get_partition_output(opts=pulumi.InvokeOptions(parent=component)).partition
