"""Machines, their volumes and their alarms."""

import re
from collections.abc import Iterator

from diaspora_infra.aws.user_data import USER_DATA_MAX_BYTES
from diaspora_infra.config.aws.availability import INSTANCE_TYPES
from tests.aws.rules.resources import REGION, Resources, of

ALARM_ACTION = re.compile(r"arn:aws[a-z-]*:automate:([a-z0-9-]+):ec2:(recover|reboot|stop|terminate)")
ALARMS = {"recover": ("StatusCheckFailed_System", 2), "reboot": ("StatusCheckFailed_Instance", 3)}
"""What each action goes with, and for how many minutes (EC2 user guide: recovery alarms)."""


def machines(resources: Resources) -> Iterator[str]:
    profiles = {each.urn for each in of(resources, "aws:iam/instanceProfile:InstanceProfile")}
    for each in of(resources, "aws:ec2/instance:Instance"):
        options = each.inputs.get("metadataOptions", {})
        if len(each.inputs.get("userData", "").encode()) > USER_DATA_MAX_BYTES:
            yield f"{each.name}: user data of more than 16 KiB"
        if each.inputs.get("userDataReplaceOnChange") is not True:
            yield f"{each.name}: a new Ignition config would do nothing"
        if options.get("httpTokens") != "required":
            yield f"{each.name}: IMDSv1"
        if options.get("httpPutResponseHopLimit") != 1:
            yield f"{each.name}: containers reach the credentials of the role"
        if not each.inputs.get("rootBlockDevice", {}).get("encrypted"):
            yield f"{each.name}: root volume in the clear"
        if not each.inputs.get("iamInstanceProfile") or not profiles & set(each.depends["iamInstanceProfile"]):
            yield f"{each.name}: no role"
        if each.inputs["instanceType"] not in INSTANCE_TYPES:
            yield f"{each.name}: no such type"
        if each.inputs.get("creditSpecification", {}).get("cpuCredits") != "unlimited":
            yield f"{each.name}: no credits at launch"
        if not re.fullmatch("ami-[0-9a-f]{8,17}", each.inputs["ami"]):
            yield f"{each.name}: no id of an image"


def volumes(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:ebs/volume:Volume"):
        if not each.inputs.get("encrypted"):
            yield f"{each.name}: volume in the clear"
    for each in of(resources, "aws:ec2/volumeAttachment:VolumeAttachment"):
        # the names that EC2 recommends for volumes of one's own
        if not re.fullmatch("/dev/sd[f-p]", each.inputs["deviceName"]):
            yield f"{each.name}: name of the device"
    zones = {each.inputs["availabilityZone"] for each in of(resources, "aws:ebs/volume:Volume")}
    subnets = {each.name: each.inputs["availabilityZone"] for each in of(resources, "aws:ec2/subnet:Subnet")}
    public = {zone for name, zone in subnets.items() if name.endswith("-public")}
    if zones and public and zones != public:
        yield f"volumes in {sorted(zones)}, the machine in {sorted(public)}"


def alarms(resources: Resources) -> Iterator[str]:
    found_alarms = [
        each
        for each in of(resources, "aws:cloudwatch/metricAlarm:MetricAlarm")
        if each.inputs["namespace"] == "AWS/EC2"
    ]
    charged = [each for each in found_alarms if each.inputs["metricName"] == "CPUSurplusCreditsCharged"]
    told = any(":sns:" in action for each in found_alarms for action in each.inputs.get("alarmActions", []))
    if found_alarms and not (charged and all(each.inputs.get("alarmActions") or not told for each in charged)):
        yield "nobody is told when AWS charges for CPU credits"
    for each in charged:
        # the metric comes every five minutes, and the lowest charge is above zero
        rule = (each.inputs["statistic"], each.inputs["comparisonOperator"], each.inputs["threshold"])
        if rule != ("Sum", "GreaterThanThreshold", 0) or each.inputs["period"] % 300:
            yield f"{each.name}: charges go by"
    for each in found_alarms:
        for action in each.inputs.get("alarmActions", []):
            if ":sns:" in action:
                continue
            found = ALARM_ACTION.fullmatch(action)
            if not found or found[1] != REGION:
                yield f"{each.name}: {action} is no action of this region"
                continue
            metric, minutes = ALARMS.get(found[2], ("", 0))
            if metric != each.inputs["metricName"]:
                yield f"{each.name}: {found[2]} does not go with {each.inputs['metricName']}"
            if (each.inputs["period"], each.inputs["evaluationPeriods"]) != (60, minutes):
                yield f"{each.name}: {found[2]} wants {minutes} minutes"
