#!/usr/bin/env bash
# A systemd of one's own, as a login session has one, on a machine that has none, or another's: in a mount namespace with
# cgroups and a /run/systemd of its own. Needs root. It ends with this process.
#   user_manager.sh RUNTIME_DIR [probe]    with HOME set; prints "ready" when it answers; a probe then ends
# Other programs get there with nsenter --target PID --mount --cgroup, and with this XDG_RUNTIME_DIR.
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
# As if systemd had started this machine: what it makes then, and what sandboxes put over what is not to be seen.
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
