#!/usr/bin/env bash
# A user's systemd, like that of a login session, on a machine without one, or with another one: in a mount namespace
# with cgroups and a /run/systemd of its own. Needs root. It ends with this process.
#   user_manager.sh RUNTIME_DIR [probe]    with HOME set; prints "ready" once it runs; a probe then ends
# Other programs enter it with nsenter --target PID --mount --cgroup, and with this XDG_RUNTIME_DIR.
set -euo pipefail

if [[ ${1:-} != inside ]]; then
  exec unshare --mount --cgroup "$0" inside "$@"
fi
export XDG_RUNTIME_DIR=$2
unset DBUS_SESSION_BUS_ADDRESS

umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/rotv-test-$$
mkdir "$group"
echo $$ >"$group/cgroup.procs"
mkdir -p /run/systemd
mount -t tmpfs none /run/systemd
# Creates what systemd creates when it starts a machine, and the files that sandboxes mount over hidden ones.
mkdir -p /run/systemd/system /run/systemd/unit-root /run/systemd/inaccessible/dir
(
  cd /run/systemd/inaccessible
  : >reg
  mkfifo fifo
  mknod chr c 0 0
  mknod blk b 0 0
  chmod 000 ./*
)

manager=/lib/systemd/systemd
[[ -x $manager ]] || manager=/usr/lib/systemd/systemd
"$manager" --user &
until systemctl --user show-environment >/dev/null 2>&1; do
  kill -0 $! || exit 1
  sleep 0.05
done
echo ready
[[ ${3:-} != probe ]] || systemctl --user exit
wait
