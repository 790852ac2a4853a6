#!/bin/sh
# supervise.sh NAME FOLDER HIERARCHIES COMMAND...: keep machine NAME running until it is powered off.
#
# Runs in the machine's network namespace and in a mount namespace of its own. FOLDER is the
# machine's, HIERARCHIES the host's cgroup mounts by name ("." for cgroup v2 alone), COMMAND is
# systemd-nspawn with its arguments.
set -u
name=$1 folder=$2 hierarchies=$3
shift 3
here=$(dirname "$0")

# What other machines have mounted would outlive them here.
mount --make-rprivate /
umount -R -l /run/netns
for root in "$(dirname "$folder")"/*/root; do
    [ "$root" = "$folder/root" ] || umount -l "$root" 2>/dev/null
done

# A fresh /sys shows this network namespace's NICs: LXD looks for its bridge there. It hides the
# cgroup mounts, so they are carried over.
keep=$folder/cgroup
mount -t tmpfs lab "$keep"
for hierarchy in $hierarchies; do
    mkdir -p "$keep/$hierarchy"
    mount --bind "/sys/fs/cgroup/$hierarchy" "$keep/$hierarchy"
done
umount -R -l /sys
mount -t sysfs sysfs /sys
[ "$hierarchies" = . ] || mount -t tmpfs lab /sys/fs/cgroup
for hierarchy in $hierarchies; do
    mkdir -p "/sys/fs/cgroup/$hierarchy"
    mount --bind "$keep/$hierarchy" "/sys/fs/cgroup/$hierarchy"
done
umount -R -l "$keep"

# The start time is field 22; no field before it has a blank in it, the shell's name neither.
echo "$$ $(cut -d' ' -f22 /proc/$$/stat)" >"$folder/supervisor.new"
mv "$folder/supervisor.new" "$folder/supervisor"

while :; do
    groups=
    for hierarchy in $hierarchies; do
        group=/sys/fs/cgroup/$hierarchy/$name
        find "$group" -mindepth 1 -depth -type d -exec rmdir {} \; 2>/dev/null
        mkdir -p "$group/boot"
        groups="$groups $group/boot/cgroup.procs"
    done
    # shellcheck disable=SC2086
    "$here/join.sh" $groups -- "$@"
    # With 133 systemd-nspawn says that the machine asked for a reboot.
    [ $? -eq 133 ] || break
done
rm -f "$folder/supervisor"
