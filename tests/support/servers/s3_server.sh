#!/usr/bin/env bash
# A real S3 server for tests: Ceph on loopback with one monitor, one object store (BlueStore) and one gateway, run by any
# user, with nothing installed; and nginx, for static files. The programs are in Debian packages of another release,
# which are unpacked into a cache and started with the dynamic loader that came with them.
#
#   tests/support/servers/s3_server.sh fetch           fills the cache only
#   tests/support/servers/s3_server.sh run DIR         starts, prints S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY,
#                                                      S3_SECRET_KEY, those of another user, who has no rights in the
#                                                      bucket (S3_OTHER_…), and "ready", a line each, and runs until it
#                                                      is ended; then the servers end too, however that was
#   tests/support/servers/s3_server.sh nginx ARG...    becomes nginx
#
# DIR must be on a disk's file system, since the store opens its file with O_DIRECT. It is made, and takes 0.5 GB.
# ROTV_TEST_S3_SUITE     the Debian release: forky (Ceph 20.2), or trixie (Ceph 18.2, which wants If-Match without quotes)
# The variables ROTV_TEST_CACHE and ROTV_TEST_APT_SOURCES are described in other_debian.sh.

set -euo pipefail

suite=${ROTV_TEST_S3_SUITE:-forky}
programs=(ceph-mon ceph-osd monmaptool osdmaptool radosgw radosgw-admin nginx)
packages=(ceph-mon ceph-osd ceph-base ceph-common radosgw zlib1g nginx)

# shellcheck source=tests/support/servers/other_debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/other_debian.sh"
tree=$(cache_directory)/servers-$suite-v1

# --- The programs.

# The libraries that the packages depend on, without what only other programs of Ceph use.
wanted_libraries() {
  apt-cache "${apt_options[@]}" depends "${packages[@]}" | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' |
    grep -Ev '^lib(rgw2|rbd1|cephfs|nvme)' | sort -u
}

# Leaves the programs and their libraries in the directory `root`.
make_tree() {
  local apt=$root.apt libraries deb program
  command -v apt-get >/dev/null || fail "apt, which would fetch an S3 server for the tests, is missing"
  set_apt_options "$apt"
  write_sources "$suite" "$apt/sources" || fail "this machine is not a Debian, so its mirrors do not have an S3 server for
the tests. Name a Debian mirror in ROTV_TEST_APT_SOURCES (see docs/testing.md), or leave these tests out:
./dev test --without-s3"
  apt-get "${apt_options[@]}" update >&2 || true  # One mirror of several may be down; missing packages show below.
  mapfile -t libraries < <(wanted_libraries)
  [[ ${#libraries[@]} -gt 0 ]] || fail "apt finds no Ceph in Debian's $suite; can its mirror be reached?"
  mapfile -t libraries < <(closure "${libraries[@]}")
  mkdir -p "$apt/debs" "$root/bin"
  (cd "$apt/debs" && apt-get "${apt_options[@]}" download "${packages[@]}" "${libraries[@]}" >&2) ||
    fail "the S3 server cannot be downloaded; try again"
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
  [[ ! -d $root/lib ]] || cp -a "$root/lib/." "$root/usr/lib/"  # Some packages still have the former directory.
  for program in "${programs[@]}"; do mv "$root"/usr/*bin/"$program" "$root/bin/"; done
  rm -rf "${root:?}"/{etc,lib,lib64,var} "${root:?}"/usr/{bin,sbin,share,libexec,include}
  chmod -R a+rX "$root"
}

libraries() { dirname "$(compgen -G "$tree/usr/lib/*/ld-linux*.so.*" | sed -n 1p)"; }

become() {  # PROGRAM ARGUMENT...
  local lib; lib=$(libraries)
  exec "$(compgen -G "$lib/ld-linux*.so.*" | sed -n 1p)" --library-path "$lib:$lib/ceph" "$tree/bin/$1" "${@:2}"
}

# The same for a server, which ends with this shell.
serve() {  # PROGRAM ARGUMENT...
  local lib; lib=$(libraries)
  exec setpriv --pdeathsig KILL "$(compgen -G "$lib/ld-linux*.so.*" | sed -n 1p)" --library-path "$lib:$lib/ceph" \
    "$tree/bin/$1" "${@:2}" -f -c "$dir/ceph.conf"
}

# --- The cluster.

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local p
  for _ in {1..50}; do
    p=$((20000 + RANDOM % 300 * 40))
    if ! taken $p && ! taken $((p + 1)) && ! taken $((p + 2)); then echo $p; return; fi
  done
  fail "there are no free ports"
}

key() { tr -dc "$1" </dev/urandom | head -c "$2" || true; }

write_config() {
  local lib; lib=$(libraries)
  cat >"$dir/ceph.conf" <<END
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$((port + 1))
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_port_min = $((port + 2))
ms_bind_port_max = $((port + 30))
# No keys between the three: then the gateway's default of an encrypted way to the monitor must go too.
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
keyring = $dir/keyring
plugin_dir = $lib/ceph
erasure_code_dir = $lib/ceph/erasure-code
osd_class_dir = $lib/rados-classes
run_dir = $dir
crash_dir = $dir
pid_file =
admin_socket =
log_file = $dir/log/\$name.log
mon_cluster_log_file =
mon_data = $dir/mon
osd_data = $dir/osd
# One copy on one disk, few placement groups, no manager to ask.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
# A sparse file: this is the most that it can hold.
osd_objectstore = bluestore
bluestore_block_size = 8589934592
bluestore_cache_autotune = false
bluestore_cache_size = 134217728
[client]
rgw_data = $dir/rgw
# Without tcp_nodelay each answer with a body takes 40 ms.
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_thread_pool_size = 128
rgw_mime_types_file = $dir/keyring
rgw_run_sync_thread = false
rgw_dynamic_resharding = false
rgw_gc_obj_min_wait = 60
rgw_gc_processor_period = 60
debug_rgw = 0
debug_rgw_access = 0
END
}

launch() {  # NAME PROGRAM ARGUMENT...
  serve "${@:2}" </dev/null >"$dir/log/$1.out" 2>&1 &
  pids[$1]=$!
}

make() {  # NAME PROGRAM ARGUMENT...
  (become "${@:2}" -c "$dir/ceph.conf") >"$dir/log/$1.out" 2>&1 || { tail -n 20 "$dir/log/$1.out" >&2; fail "$1 failed"; }
}

wait_until() {  # COMMAND...
  local i name
  for ((i = 0; i < 2400; i++)); do
    if "$@"; then return; fi
    for name in "${!pids[@]}"; do
      kill -0 "${pids[$name]}" 2>/dev/null || { tail -n 5 "$dir/log/$name.out" >&2; fail "$name has ended"; }
    done
    sleep 0.05
  done
  fail "no answer after two minutes: $*"
}

store_is_active() { grep -qs 'state: booting -> active' "$dir/log/osd.0.log"; }
gateway_answers() { curl --silent --noproxy '*' --output /dev/null "http://127.0.0.1:$port/"; }

make_user() {  # NAME ACCESS_KEY SECRET_KEY
  make "user-$1" radosgw-admin -n client.rgw user create "--uid=$1" "--display-name=$1" "--access-key=$2" "--secret-key=$3"
}

run() {
  local port fsid user access_key secret_key other_access_key other_secret_key
  declare -A pids
  mkdir -p "$dir"/{log,mon,osd,rgw}
  port=$(free_port) fsid=$(cat /proc/sys/kernel/random/uuid)
  access_key=$(key A-Z0-9 20) secret_key=$(key A-Za-z0-9 40)
  other_access_key=$(key A-Z0-9 20) other_secret_key=$(key A-Za-z0-9 40)
  : >"$dir/keyring"
  write_config
  # The object store is named in the first map, so nothing has to be told to the monitor.
  make osdmap osdmaptool --createsimple 1 --clobber "$dir/osdmap"
  make monmap monmaptool --create --clobber --addv a "v2:127.0.0.1:$((port + 1))" --fsid "$fsid" "$dir/monmap"
  make mon-mkfs ceph-mon --mkfs -i a --monmap "$dir/monmap" --osdmap "$dir/osdmap"
  launch mon ceph-mon -i a
  make osd-mkfs ceph-osd --mkfs -i 0 --osd-uuid "$fsid"
  launch osd ceph-osd -i 0
  wait_until store_is_active
  launch rgw radosgw -n client.rgw
  wait_until gateway_answers
  local users=()
  make_user test "$access_key" "$secret_key" & users+=($!)
  make_user other "$other_access_key" "$other_secret_key" & users+=($!)
  for user in "${users[@]}"; do wait "$user" || fail "a user cannot be made"; done
  curl --silent --fail --noproxy '*' --output /dev/null --max-time 60 --aws-sigv4 aws:amz:us-east-1:s3 \
    --user "$access_key:$secret_key" --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --request PUT \
    "http://127.0.0.1:$port/test" || fail "the bucket cannot be made"
  printf '%s\n' "S3_ENDPOINT=http://127.0.0.1:$port" "S3_ACCESS_KEY=$access_key" "S3_SECRET_KEY=$secret_key" \
    "S3_OTHER_ACCESS_KEY=$other_access_key" "S3_OTHER_SECRET_KEY=$other_secret_key" S3_BUCKET=test ready
  wait -n
  fail "a server has ended"
}

case ${1:-} in
  fetch) make_once "$tree" make_tree ;;
  nginx)
    make_once "$tree" make_tree
    become "$@"
    ;;
  run)
    make_once "$tree" make_tree
    mkdir -p "${2:?which directory?}"
    dir=$(cd "$2" && pwd)
    run
    ;;
  *) fail "fetch, run DIR or nginx?" ;;
esac
