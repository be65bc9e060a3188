"""The provisioning server as plain files, for any host with podman and systemd."""

from pathlib import Path

from diaspora_infra.config import ConfigError, Problem, Provisioning
from diaspora_infra.host.features.provisioning import ON_ANY_HOST, provisioning
from diaspora_infra.host.templates import render_tree


def provisioning_files(settings: Provisioning) -> dict[str, tuple[str, int]]:
    """Path below the folder -> text and mode: what belongs under `/`, and a script that installs it.

    Raises ConfigError where the settings ask for what only a machine of this project does.
    """
    if settings.diaspora_image is not None:
        raise ConfigError(
            [
                Problem(
                    "provisioning.diasporaImage",
                    "only a machine of this project builds it; remove it, or put an archive of an image into "
                    f"{ON_ANY_HOST.matchbox}/assets (docs/image.md)",
                )
            ]
        )
    fragment = provisioning(settings, ON_ANY_HOST)
    entries = fragment["storage"]["files"]
    found = {entry["path"].lstrip("/"): (entry["contents"]["inline"], entry["mode"]) for entry in entries}
    units = sorted(Path(path).stem for path in found if path.endswith(".container"))
    script = render_tree("provisioning_host", files=sorted(found), units=units, certificates=ON_ANY_HOST.certificates)[
        "storage"
    ]["files"][0]
    return {**found, "install": (script["contents"]["inline"], 0o755)}


def write_provisioning_files(settings: Provisioning, folder: Path) -> list[Path]:
    """Write the files below `folder`; returns them in order."""
    written = []
    for name, (text, mode) in sorted(provisioning_files(settings).items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        written.append(path)
    return written
