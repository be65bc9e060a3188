"""What follows for the pod from the settings of the key `aws`, beside its size."""

from diaspora_infra.config.aws import Aws
from diaspora_infra.config.pod import Pod


def pod_on_aws(pod: Pod, aws: Aws) -> Pod:
    """The pod; behind API Gateway its machine speaks plain HTTP and needs no certificate.

    Nobody's X-Forwarded headers count there, so no proxy is trusted: what the gateway says is in `Forwarded`.
    """
    if aws.edge != "gateway":
        return pod
    return pod.model_copy(update={"tls": pod.tls.model_copy(update={"mode": "behindProxy"})})
