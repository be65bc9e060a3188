"""Resources of AWS that hold a podmin's data: what nobody should replace or delete by mistake."""

DATA_TYPES = frozenset(
    {
        "aws:ebs/volume:Volume",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:rds/cluster:Cluster",
        "aws:rds/instance:Instance",
        "aws:route53/zone:Zone",
        "aws:s3/bucket:Bucket",
    }
)
