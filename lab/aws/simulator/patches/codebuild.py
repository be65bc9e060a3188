"""CodeBuild: projects without a source, limits of a project, changes of one, and its deletion.

moto 5.2.5: a project of type NO_SOURCE needs a location; a limit of concurrent builds is forgotten; UpdateProject is an
unknown operation; DeleteProject does nothing when it gets the ARN of a project, as the Terraform provider sends it.
AWS: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html (location),
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html (concurrentBuildLimit),
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateProject.html,
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteProject.html.
Changes moto/codebuild/models.py, moto/codebuild/responses.py.
"""

import json
from typing import Any

from moto.codebuild import responses
from moto.codebuild.exceptions import ResourceNotFoundException
from moto.codebuild.models import CodeBuildBackend
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult

_original_validate_source = responses._validate_required_params_source
_original_create_project = CodeBuildResponse.create_project
_original_delete_project = CodeBuildBackend.delete_project


def validate_source(source: dict[str, Any]) -> None:
    """Check a source; without one there is no location."""
    if source["type"] != "NO_SOURCE":
        _original_validate_source(source)


def create_project(self: CodeBuildResponse) -> ActionResult:
    """CreateProject: with the limit of concurrent builds."""
    answer = _original_create_project(self)
    project = self.codebuild_backend.codebuild_projects[self._get_param("name")].project_metadata
    if limit := self._get_param("concurrentBuildLimit"):
        project["concurrentBuildLimit"] = limit
    return answer


def update_project(self: CodeBuildResponse) -> ActionResult:
    """UpdateProject."""
    name = self._get_param("name")
    if name not in self.codebuild_backend.codebuild_projects:
        raise ResourceNotFoundException(f"Project cannot be found: {name}")
    project = self.codebuild_backend.codebuild_projects[name].project_metadata
    project.update(json.loads(self.body))
    return ActionResult({"project": project})


def delete_project(self: CodeBuildBackend, project_name: str) -> None:
    """Delete a project, by its name or its ARN."""
    _original_delete_project(self, project_name.rpartition("/")[2])


PATCHES = [
    (responses, "_validate_required_params_source", validate_source),
    (CodeBuildResponse, "create_project", create_project),
    (CodeBuildResponse, "update_project", update_project),
    (CodeBuildBackend, "delete_project", delete_project),
]
