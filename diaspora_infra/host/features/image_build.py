"""The image of diaspora*, built on the machine where the user names none and the stack builds none."""

from diaspora_infra.host.diaspora_image import diaspora_image, image_build
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

_FOLDER = "/etc/diaspora/build"


def image_build_unit(context: PodContext) -> Fragment:
    """Install `diaspora-build.service`, for which the unit of the image waits, and what the image is built from."""
    if context.pod.image is not None or context.on_aws:
        return {}
    build = image_build(context)
    texts = {
        "Containerfile": build.containerfile,
        "arguments": build.argument_file,
        "image": f"{diaspora_image(context)}\n",
    }
    files = [file(f"{_FOLDER}/{name}", text) for name, text in texts.items()]
    return combine([render_tree("image_build"), {"storage": {"files": files}}])
