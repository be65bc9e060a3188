"""The copy of the Terraform AWS provider: its changes."""

import pytest

from tools import ToolError
from tools.trim import BACKOFF, WAITS, only_clients, shorter_waits

LOOP = """
func NewLoopWithOptions(timeout time.Duration, opts ...Option) *Loop {
	return &Loop{
		deadline: inttypes.NewDeadline(timeout),
	}
}

func (r *Loop) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-r.config.timer.After(d):
	}
}
"""
CLIENTS = """package conns

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (c *AWSClient) EC2Client(ctx context.Context) *ec2.Client {
	return nil
}

func (c *AWSClient) SQSClient(ctx context.Context) *sqs.Client {
	return nil
}
"""


def test_pauses_and_timeouts_of_the_provider_are_shortened():
    changed = shorter_waits(LOOP)
    assert "case <-r.config.timer.After(d / 1000):" in changed
    assert "deadline: inttypes.NewDeadline(min(timeout, max(timeout/20, 5*time.Second)))," in changed
    for line, shorter in WAITS:
        changed = changed.replace(shorter, line)
    assert changed == LOOP, "nothing else is changed"


@pytest.mark.parametrize("line", [line for line, _ in WAITS])
def test_provider_with_changed_wait_loops_is_refused(line):
    with pytest.raises(ToolError, match=f"{BACKOFF} has no single line"):
        shorter_waits(LOOP.replace(line, "something else"))


def test_only_used_clients_are_kept():
    text = only_clients(CLIENTS, ["EC2Client"])
    assert "EC2Client" in text
    assert "sqs" not in text.lower()
