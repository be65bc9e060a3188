"""The groups of a matchbox server: the answer of its gRPC API, and which of them are for a machine."""

import pytest

from diaspora_infra.pxe.groups import Group, _fields, _group, is_former, other_groups

OWN, MAC = "pod1-0123456789ab", "52:54:00:00:00:01"
METADATA = b'{"name": "%s"}' % (b"x" * 200)


def text(number: int, value: bytes) -> bytes:
    length = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 0x7F | 0x80, len(value) >> 7])
    return bytes([number << 3 | 2]) + length + value


def message(name: str, selector: dict[str, str]) -> bytes:
    pairs = [text(4, text(1, key.encode()) + text(2, value.encode())) for key, value in selector.items()]
    return text(1, name.encode()) + text(2, b"name") + text(3, b"profile") + b"".join(pairs) + text(5, METADATA)


def test_answer_is_read() -> None:
    groups = [("aaa", {"mac": MAC, "uuid": "1"}), ("b" * 200, {}), ("", {"mac": ""})]
    answer = b"".join(text(1, message(*group)) for group in groups)
    assert [_group(value) for number, value in _fields(answer) if number == 1] == [
        Group(*group, "profile", {"name": "x" * 200}) for group in groups
    ]


def test_metadata_of_others_may_be_anything() -> None:
    assert [_group(text(5, metadata)).metadata for metadata in (b"{}{}", b"[]", b"\xff", b"")] == [{}] * 4


@pytest.mark.parametrize("answer", [b"\x0a", b"\x0a\x05abc", b"\x08\x01", b"\xff\xff", b"\x0d1234"])
def test_any_other_answer_is_refused(answer: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        list(_fields(answer))


def test_groups_of_others_for_a_machine() -> None:
    groups = [
        Group("aaa", {"mac": MAC}),
        Group("default", {}),
        Group("elsewhere", {"mac": "52:54:00:00:00:02"}),
        Group("site", {"site": "a"}),
        Group(OWN, {"mac": MAC}),
        Group("zzz", {"mac": MAC.upper()}),
        Group("zzz-narrow", {"mac": MAC, "uuid": "1"}),
    ]
    assert other_groups(MAC, OWN, groups) == [("aaa", True), ("zzz", False), ("zzz-narrow", True)]


def test_former_groups_differ_in_the_revision_only() -> None:
    assert is_former("pod1-ba9876543210", OWN)
    for name in ("pod1", "pod10-ba9876543210", "pod1-old", "pod1-BA9876543210", "aaa"):
        assert not is_former(name, OWN)
