#!/bin/bash
# trixie_machine.sh WORK NAME LAYERS [DATA IMAGES]: runs the systemd of some root folders, one over the other, as the
# first process of a machine of its own. Nothing is written to the folders. tests/support/trixie.py starts it in
# namespaces of its own. DATA is a filesystem for /var/mnt/data, IMAGES a folder with container images.
set -euo pipefail
work=$1 name=$2 layers=$3 data=${4:-} images=${5:-}

if [[ $name ]]; then
    # the control groups of the machine are below one of this computer
    mount --make-rprivate /
    mount -t cgroup2 cgroup2 "$work"
    mkdir "$work/$name"
    echo $$ > "$work/$name/cgroup.procs"
    umount "$work"
    exec unshare --cgroup "$BASH" "$0" "$work" "" "$layers" "$data" "$images"
fi

# a root disk that is kept is a tmpfs already
[[ -e $work/upper ]] || mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir -p "$work/upper" "$work/work" "$work/containers" "$root"
mount -t overlay -o "lowerdir=$layers,upperdir=$work/upper,workdir=$work/work" overlay "$root"
mkdir -p "$root"/{dev,etc/systemd/system,proc,run,sys,tmp}
mount -t proc proc "$root/proc"
# but for the network, these settings are this computer's
for folder in sys sys/net; do
    mount --bind "$root/proc/$folder" "$root/proc/$folder"
done
mount -o remount,bind,ro "$root/proc/sys"
# read-only, which tells systemd that there are no devices to manage
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in dev run; do
    mount -t tmpfs -o mode=0755 tmpfs "$root/$folder"
done
mount -t tmpfs tmpfs "$root/tmp"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
# not the first boot: no presets; and nothing was updated
echo 11111111111111111111111111111111 > "$root/etc/machine-id"
mkdir -p "$root/var"
touch "$root"/{etc,var}/.updated
ln -sf /dev/null "$root/etc/systemd/system/systemd-modules-load.service"
if [[ $images ]]; then
    # podman's own storage cannot lie on an overlay
    mkdir -p "$root/var/lib/containers" "$root/usr/lib/containers/storage" "$root/var/mnt/data"
    mount --bind "$work/containers" "$root/var/lib/containers"
    mount --bind "$images" "$root/usr/lib/containers/storage"
    mount -o remount,bind,ro "$root/usr/lib/containers/storage"
    mount -o loop "$data" "$root/var/mnt/data"
    # the kernel lets a user namespace see /proc only where a whole one is in sight
    mkdir "$root/dev/.proc"
    mount -t proc proc "$root/dev/.proc"
    if [[ ! -e $root/var/lib/first-boot ]]; then
        chroot "$root" systemd-sysusers 2> /dev/null
        chroot "$root" systemctl --quiet preset-all
        touch "$root/var/lib/first-boot"
    fi
fi
ip link set lo up
cd "$root"
# not chroot: a process whose root is not that of its mounts may make no user namespace, which containers need
mkdir -p mnt
pivot_root . mnt
umount --lazy /mnt
exec env -i container=tests PATH=/usr/bin /usr/lib/systemd/systemd --log-target=journal
