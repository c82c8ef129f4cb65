# The init of a test host: process 1 of its own pid namespace, run by bash (which reaps orphans) under unshare(1).
# Arguments: host name, rsyslog template, directory to use as /var/spool ("" for a tmpfs of its own).
# Standard input is held open by the test; at its end this script ends, and the kernel kills the rest of the host.
set -euo pipefail
host=$1 template=$2 spool=$3
umask 022

hostname "$host"
ip link set lo up

# What a host may write goes to memory. /run first: it also stages the rest.
mount -t tmpfs -o mode=0755 tmpfs /run
stage=/run/testkit
mkdir "$stage"

# /etc and /var/lib start as the machine's; where overlayfs is missing, a copy of /etc and an empty /var/lib do as well.
for dir in etc var/lib; do
    upper=$stage/upper/$dir work=$stage/work/$dir
    mkdir -p "$upper" "$work"
    if mount -t overlay overlay -o "lowerdir=/$dir,upperdir=$upper,workdir=$work" "/$dir" 2>/dev/null; then
        continue
    fi
    if [ "$dir" = etc ]; then cp -a /etc/. "$upper"; fi
    mount --bind "$upper" "/$dir"
done

# /var/spool and /var/log start empty. The spool is one plain file system, as on a real host: on overlayfs a file's
# device number differs from its directory's.
if [ -n "$spool" ]; then
    mount --bind "$spool" /var/spool
else
    mount -t tmpfs -o mode=0755 tmpfs /var/spool
fi
mount -t tmpfs -o mode=0755 tmpfs /var/log

# /dev of its own, for a /dev/log of its own.
dev=$stage/dev
mkdir "$dev"
mount -t tmpfs -o mode=0755 tmpfs "$dev"
for node in null zero full random urandom tty ptmx; do
    if [ -e "/dev/$node" ]; then
        touch "$dev/$node"
        mount --bind "/dev/$node" "$dev/$node"
    fi
done
for sub in pts shm; do
    mkdir "$dev/$sub"
    if [ -d "/dev/$sub" ]; then mount --rbind "/dev/$sub" "$dev/$sub"; fi
done
ln -s /proc/self/fd "$dev/fd"
ln -s /proc/self/fd/0 "$dev/stdin"
ln -s /proc/self/fd/1 "$dev/stdout"
ln -s /proc/self/fd/2 "$dev/stderr"
mount --move "$dev" /dev

# No name of this host, and no lookup from it, reaches the machine's network.
rm -f /etc/resolv.conf /etc/hosts
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
printf '127.0.0.1 localhost\n127.0.1.1 %s.example.org %s\n' "$host" "$host" >/etc/hosts
printf '%s\n' "$host" >/etc/hostname
rm -rf /var/lib/relay-tools /etc/relay-tools /etc/postfix-*

cat >"$stage/rsyslog.conf" <<CONF
global(workDirectory="$stage")
module(load="imuxsock" SysSock.RateLimit.Interval="0")
mail.* action(type="omfile" file="/var/log/mail.log" template="$template" fileCreateMode="0640")
*.*;mail.none action(type="omfile" file="/var/log/syslog" template="$template" fileCreateMode="0640")
CONF
rsyslogd -n -f "$stage/rsyslog.conf" -i "$stage/rsyslog.pid" >"$stage/rsyslog.out" 2>&1 </dev/null &
for _ in $(seq 500); do
    if [ -S /dev/log ] && [ -s "$stage/rsyslog.pid" ]; then break; fi
    sleep 0.01
done
if ! [ -S /dev/log ] || ! [ -s "$stage/rsyslog.pid" ]; then
    echo "rsyslogd made no /dev/log, or no file of its pid: $(cat "$stage/rsyslog.out")" >&2
    exit 1
fi

echo ready
while read -r _; do :; done
