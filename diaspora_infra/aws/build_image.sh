#!/usr/bin/bash
# Runs in CodeBuild: builds an image, starts it once and pushes it; then a parameter names it, with its digest.
#
# build_image.sh NAME REPOSITORY TAG PARAMETER
# The folder NAME has the files Containerfile, arguments (build arguments NAME=VALUE, a line each) and start (what has to
# succeed in a container of the image). TAG gets the time of the build behind it.
set -euo pipefail

name=$1 repository=$2 tag=$3-$(date --utc +%Y%m%d%H%M) parameter=$4
image=$repository:$tag
# a manifest, not a list with one: its digest is that of the image on a machine
export BUILDX_NO_DEFAULT_ATTESTATIONS=1

build() {
    local arguments=() line
    while IFS= read -r line; do
        arguments+=(--build-arg "$line")
    done < "$name/arguments"
    docker build --pull "${arguments[@]}" --tag "$image" --file "$name/Containerfile" "$name"
}

push() {
    aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}"
    docker push --quiet "$image"
}

# mark MARK TAG: the image with this tag gets another one, from which the lifecycle policy knows what to keep
mark() {
    local manifest answer
    manifest=$(aws ecr batch-get-image --repository-name "${repository#*/}" --image-ids "imageTag=$2" \
        --query 'images[0].imageManifest' --output text)
    # the first image has none before it
    if [[ $manifest == None ]]; then
        return
    fi
    answer=$(aws ecr put-image --repository-name "${repository#*/}" --image-tag "$1" --image-manifest "$manifest" 2>&1) ||
        [[ $answer == *ImageAlreadyExistsException* ]] || {
        echo "$answer" >&2
        return 1
    }
}

build
docker run --rm --network none "$image" sh -e -c "$(< "$name/start")"
push
reference=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")
if [[ ! $reference =~ ^"$repository"@sha256:[0-9a-f]{64}$ ]]; then
    echo "the registry names no digest of $image: $reference" >&2
    exit 1
fi
mark previous current
mark current "$tag"
aws ssm put-parameter --name "$parameter" --type String --overwrite --value "$reference $tag" > /dev/null
echo "$parameter names $image"
