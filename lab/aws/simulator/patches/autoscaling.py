"""Auto Scaling: instance refresh, warm-up, hooks without somebody's queue, and later versions of launch templates.

moto 5.2.5: StartInstanceRefresh, DescribeInstanceRefreshes and CancelInstanceRefresh are unknown; a group forgets
DefaultInstanceWarmup and shows no CapacityReservationSpecification; every lifecycle hook has the same queue and role;
the user data of a second version of a launch template stays text, which the first instance of it refuses; the tags of a
launch template are shown as those of its first version.
AWS: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html (it replaces the instances
one by one, as the preferences say; here all are replaced at once, and it always succeeds),
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html,
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html (TagSpecification).
Changes moto/autoscaling/models.py, moto/autoscaling/responses.py, moto/ec2/models/launch_templates.py.
"""

import uuid
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, LifecycleHook
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.ec2.utils import parse_user_data

_original_hook = LifecycleHook.__init__
_original_version = LaunchTemplateVersion.__init__
_original_create = AutoScalingResponse.create_auto_scaling_group
_original_update = AutoScalingResponse.update_auto_scaling_group


def init_hook(self: LifecycleHook, *args: Any, **kwargs: Any) -> None:
    """Make a hook that tells nobody."""
    _original_hook(self, *args, **kwargs)
    self.role_arn = self.notification_target_arn = None  # type: ignore[assignment]


def init_version(
    self: LaunchTemplateVersion, template: Any, number: int, data: dict[str, Any], description: str
) -> None:
    """Make a version: user data in the form that instances take, and no tags of the template itself."""
    if isinstance(data.get("UserData"), str):
        data = {**data, "UserData": parse_user_data(data["UserData"])}
    tags = [each for each in data.get("TagSpecifications", []) if each["ResourceType"] != "launch-template"]
    _original_version(self, template, number, {**data, "TagSpecifications": tags}, description)


def create_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """CreateAutoScalingGroup: with the warm-up."""
    answer = _original_create(self)
    _keep_warm_up(self)
    return answer


def update_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """UpdateAutoScalingGroup: with the warm-up."""
    answer = _original_update(self)
    _keep_warm_up(self)
    return answer


def _keep_warm_up(self: AutoScalingResponse) -> None:
    seconds = self._get_int_param("DefaultInstanceWarmup")
    if seconds is not None:
        _group(self).default_instance_warmup = seconds


def _group(self: AutoScalingResponse) -> Any:
    return self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]


def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """StartInstanceRefresh."""
    group, backend = _group(self), self.autoscaling_backend
    for instance_id in [state.instance.id for state in group.instance_states]:
        backend.terminate_instance(instance_id, should_decrement=False)
    backend.set_desired_capacity(group.name, group.desired_capacity)
    refresh = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Status": "Successful",
        "StartTime": utcnow(),
        "EndTime": utcnow(),
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
        "Preferences": self._get_param("Preferences"),
    }
    group.instance_refreshes = [refresh, *group.instance_refreshes]
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    """DescribeInstanceRefreshes: the last one first."""
    asked = self._get_param("InstanceRefreshIds") or []
    found = [each for each in _group(self).instance_refreshes if not asked or each["InstanceRefreshId"] in asked]
    return ActionResult({"InstanceRefreshes": found})


PATCHES = [
    (LifecycleHook, "__init__", init_hook),
    (LaunchTemplateVersion, "__init__", init_version),
    (FakeAutoScalingGroup, "capacity_reservation_specification", {"CapacityReservationPreference": "default"}),
    (FakeAutoScalingGroup, "default_instance_warmup", None),
    (FakeAutoScalingGroup, "instance_refreshes", []),
    (AutoScalingResponse, "create_auto_scaling_group", create_auto_scaling_group),
    (AutoScalingResponse, "update_auto_scaling_group", update_auto_scaling_group),
    (AutoScalingResponse, "start_instance_refresh", start_instance_refresh),
    (AutoScalingResponse, "describe_instance_refreshes", describe_instance_refreshes),
]
