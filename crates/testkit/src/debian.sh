# Boots the Debian below $1, named $2: systemd, in namespaces of its own. Ends when systemd does.
#
# systemd needs a cgroup of its own, and a root that is a mount: in a plain chroot it starts, but cannot set up the sandbox of a unit.
set -eu
root=$1 name=$2

mount -t cgroup2 cgroup2 "$root/mnt"
mkdir "$root/mnt/$name"
echo $$ >"$root/mnt/$name/cgroup.procs"

exec unshare --mount --propagation private --pid --cgroup --uts --net --ipc --fork --kill-child sh -euc '
    root=$1 name=$2
    umount "$root/mnt"
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for device in null zero full random urandom tty; do
        touch "dev/$device"
        mount --bind "/dev/$device" "dev/$device"
    done
    hostname "$name"
    ip link set lo up
    mkdir -p .old
    pivot_root . .old
    umount -l /.old
    exec env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal --show-status=no
' sh "$root" "$name"
