"""The policies that AWS manages, made once.

moto makes all 1,500 anew for each partition of AWS, when it starts and at each reset: a second and a half of a core.
"""

from typing import Any, TypeVar

from moto.iam.models import IAMBackend, ManagedPolicy

_T = TypeVar("_T")


def apply() -> None:
    """Let each account and partition have copies of the policies that were made first."""
    original = IAMBackend._init_aws_policies
    made: list[ManagedPolicy] = []

    def copies(backend: Any) -> list[ManagedPolicy]:
        if not made:
            made.extend(original(backend))
        return [_copy(policy, backend) for policy in made]

    IAMBackend._init_aws_policies = copies  # type: ignore[method-assign, assignment]


def _copy(policy: ManagedPolicy, backend: Any) -> ManagedPolicy:
    copied = _twin(policy, account_id=backend.account_id, partition=backend.partition, tags={})
    vars(copied)["versions"] = [_twin(version, policy_arn=copied.arn) for version in policy.versions]
    return copied


def _twin(original: _T, **changes: object) -> _T:
    """A shallow copy with other attributes, without what moto does for each new object."""
    twin = object.__new__(type(original))
    vars(twin).update(vars(original), **changes)
    return twin
