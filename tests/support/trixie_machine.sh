#!/bin/bash
# trixie_machine.sh WORK NAME LAYERS: runs the systemd of some root folders, one over the other, as the first process of
# a machine of its own. Nothing is written to the folders. tests/support/trixie.py starts it in namespaces of its own.
set -euo pipefail
work=$1 name=$2 layers=$3

if [[ $name ]]; then
    # the control groups of the machine are below one of this computer
    mount --make-rprivate /
    mount -t cgroup2 cgroup2 "$work"
    mkdir "$work/$name"
    echo $$ > "$work/$name/cgroup.procs"
    umount "$work"
    exec unshare --cgroup "$BASH" "$0" "$work" "" "$layers"
fi

mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
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
ip link set lo up
cd "$root"
exec env -i container=tests PATH=/usr/bin unshare --root="$root" -- /usr/lib/systemd/systemd --log-target=journal
