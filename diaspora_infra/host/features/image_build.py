"""The image of diaspora*, built on the machine where the user names none and the stack builds none."""

from diaspora_infra.host.diaspora_image import ImageBuild, image_build
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

_FOLDER = "/etc/diaspora/build"


def image_build_unit(context: PodContext) -> Fragment:
    """Install `diaspora-build.service`, for which the unit of the image waits, and what the image is built from."""
    pod = context.pod
    if pod.image is not None or context.on_aws:
        return {}
    archive = f"{pod.image_archive.sha256} {pod.image_archive.url}\n" if pod.image_archive else None
    refresh = render_tree("image_refresh", time=pod.upgrade.time) if pod.image_refresh else {}
    return combine([render_tree("image_build"), refresh, build_files(image_build(context), archive)])


def build_files(build: ImageBuild, archive: str | None = None) -> Fragment:
    """What an image is built from, on the machine; `archive` is a line with the digest and address of an archive."""
    texts = {
        "Containerfile": build.containerfile,
        "arguments": build.argument_file,
        "image": f"{build.reference}\n",
        **({"archive": archive} if archive else {}),
    }
    return {"storage": {"files": [file(f"{_FOLDER}/{name}", text) for name, text in texts.items()]}}
