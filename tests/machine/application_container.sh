#!/bin/bash
# application_container.sh WORK LAYERS HOSTNAME UID FOLDER MOUNT... -- COMMAND...
# Runs a command as podman runs a container with ReadOnly=true: root folders, one over the other, that nobody can write
# to, with some files and folders mounted on them (SOURCE:TARGET[:OPTIONS]), and memory for /tmp and /run.
# tests/machine/pod_application.py starts it in namespaces of its own.
set -euo pipefail
work=$1 layers=$2 name=$3 user=$4 folder=$5
shift 5

mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay -o "lowerdir=$layers,upperdir=$work/upper,workdir=$work/work" overlay "$root"
mkdir -p "$root"/{dev,proc,run/secrets,tmp}
for ((left = $#; left > 0; left--)); do
    entry=$1
    shift
    if [[ $entry == -- ]]; then
        break
    fi
    # what a mount needs is made in the image, as podman does
    IFS=: read -r source target _ <<< "$entry"
    if [[ $target != /run/* && $target != /tmp/* && ! -e $root$target ]]; then
        mkdir -p "$root${target%/*}"
        if [[ -d $source ]]; then mkdir "$root$target"; else touch "$root$target"; fi
    fi
    mounts+=("$entry")
done
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for path in run tmp; do
    mount -t tmpfs -o mode=1777 tmpfs "$root/$path"
done
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
mkdir "$root/run/secrets"
for entry in "${mounts[@]}"; do
    IFS=: read -r source target options <<< "$entry"
    if [[ ! -e $root$target ]]; then
        touch "$root$target"
    fi
    mount --bind "$source" "$root$target"
    if [[ $options == *ro* ]]; then
        mount -o remount,bind,ro "$root$target"
    fi
done
hostname "$name"
cd "$root$folder"
# shellcheck disable=SC2016  # variables of the shell in there
exec setpriv --no-new-privs chroot --userspec="$user:$user" "$root" /bin/bash -c 'cd "$0" && exec "$@"' "$folder" "$@"
