"""Merging several documents; test_differential.py compares the result with Ignition's own merge."""

import pytest

from butane import ButaneError, merge, translate

OLD = """variant: fcos
version: 1.1.0
storage:
  files:
    - path: /etc/a
      mode: 0644
      contents: {inline: old}
    - path: /etc/b
      contents: {inline: kept}
systemd:
  units:
    - name: a.service
      enabled: true
      contents: |
        [Unit]
        [Install]
        WantedBy=multi-user.target
"""
NEW = """variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/a
      contents: {inline: new}
  links:
    - path: /etc/b
      target: /etc/a
systemd:
  units:
    - name: a.service
      enabled: false
"""


def test_later_document_overrides_earlier_one() -> None:
    merged = merge({"old.bu": OLD, "new.bu": NEW})
    assert merged.version == "1.5.0"
    assert merged.ignition["ignition"]["version"] == "3.4.0"
    storage = merged.ignition["storage"]
    assert storage["files"] == [
        {"path": "/etc/a", "mode": 0o644, "contents": {"compression": "", "source": "data:,new"}}
    ]
    assert storage["links"] == [{"path": "/etc/b", "target": "/etc/a"}]
    (unit,) = merged.ignition["systemd"]["units"]
    assert unit["enabled"] is False
    assert unit["contents"].startswith("[Unit]")


def test_merge_of_one_document_equals_its_translation() -> None:
    assert merge([("a", NEW)]) == translate(NEW, name="a")


def test_older_version_may_come_last() -> None:
    merged = merge([("new", NEW), ("old", OLD)])
    assert merged.version == "1.5.0"
    assert merged.ignition["systemd"]["units"][0]["enabled"] is True


def test_problems_of_all_documents_are_reported_at_once() -> None:
    with pytest.raises(ButaneError) as caught:
        merge(
            {"a.bu": OLD + "storage: {}\n", "b.bu": NEW, "c.bu": "variant: fcos\nversion: 1.7.0\n"}, max_version="1.5.0"
        )
    assert str(caught.value).splitlines() == [
        "a.bu:18:1: $.storage: already set on line 3",
        "c.bu:2:10: $.version: version 1.7.0 is above 1.5.0, the newest that is accepted here",
    ]


def test_conflict_between_documents_names_its_document() -> None:
    link = "variant: fcos\nversion: 1.5.0\nstorage:\n  links:\n    - {path: /etc, target: /usr/etc}\n"
    with pytest.raises(ButaneError) as caught:
        merge({"old.bu": OLD, "link.bu": link})
    assert str(caught.value).splitlines() == [
        "old.bu:5:7: $.storage.files.0: the path leads through a link of this document",
        "old.bu:8:7: $.storage.files.1: the path leads through a link of this document",
    ]


def test_positions_survive_desugaring_and_merging() -> None:
    sugar = (
        "variant: fcos\nversion: 1.5.0\nstorage:\n  filesystems:\n"
        "    - {device: /dev/a, format: xfs, path: /var/a, with_mount_unit: true}\n"
    )
    unit = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/systemd/system/var-a.mount\n"
    with pytest.raises(ButaneError) as caught:
        merge({"sugar.bu": sugar, "unit.bu": unit})
    assert str(caught.value) == ("unit.bu:5:13: $.storage.files.0.path: the path is that of a systemd unit or drop-in")


def test_strict_merge_refuses_warnings() -> None:
    with pytest.raises(ButaneError, match=r"b\.bu:3:1: \$\.storge: unused key"):
        merge({"a.bu": NEW, "b.bu": "variant: fcos\nversion: 1.5.0\nstorge: {}\n"}, strict=True)


def test_empty_merge_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([])


def test_special_mode_bits_of_old_versions_are_dropped() -> None:
    old = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, mode: 04755}]}\n"
    merged = merge({"old": old, "new": "variant: fcos\nversion: 1.7.0\n"})
    assert merged.ignition["storage"]["files"] == [{"path": "/a", "mode": 0o755}]


def test_tang_advertisements_are_kept() -> None:
    old = (
        "variant: fcos\nversion: 1.5.0\nstorage:\n  luks:\n"
        "    - {name: a, device: /dev/a, clevis: {tang: [{url: 'http://t', thumbprint: b, advertisement: '{}'}]}}\n"
    )
    merged = merge({"old": old, "new": "variant: fcos\nversion: 1.7.0\n"})
    assert merged.ignition["storage"]["luks"][0]["clevis"]["tang"][0]["advertisement"] == "{}"
