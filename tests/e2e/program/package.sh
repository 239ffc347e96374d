#!/usr/bin/env bash
# Makes packages of what a build directory has, and tries them as a user would: installed in a clean root file system of
# this machine's distribution, with the dependencies that they name; used; replaced by a later version; removed.
#
#   package.sh BUILD DIRECTORY [COMPRESSION]
#
# DIRECTORY gets the package, and nothing else stays. Needs mmdebstrap, as root or with a range of ids (/etc/subuid), and
# the distribution's packages.

set -euo pipefail

# shellcheck source=tests/support/servers/other_debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../support/servers/other_debian.sh"

[[ $# -ge 2 ]] || fail "needs a build directory, and one for the package"
build=$1 directory=$2 compression=${3:-gzip}
mkdir -p "$directory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One time for everything in it, so that the bytes depend on nothing but the sources and the compiler.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$(dirname "${BASH_SOURCE[0]}")" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

make_package() {  # NAME [ARGUMENTS OF CPACK...]
  (cd "$build" && cpack -G DEB -D CPACK_DEBIAN_COMPRESSION_TYPE="$compression" -B "$work/$1" "${@:2}") >"$work/log" 2>&1 ||
    { cat "$work/log" >&2 && fail "cpack failed"; }
}
make_package first
make_package again
make_package later -R 0.1.0+later
cmp "$work"/first/*.deb "$work"/again/*.deb || fail "two packages of the same build differ"

# What happens in the clean system; the packages are in /.
cat >"$work/try" <<'END'
set -eux
export DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/tmp
apt-get install --yes --no-install-recommends /first.deb
rotv-sync --version
rotv --version
rotv-sync --home /tmp/none --json status && exit 1 || test $? = 2
pg_dump --version
ssh -V
for name in rotv rotv-sync; do
  test -s /usr/share/man/man1/$name.1
  bash -n /usr/share/bash-completion/completions/$name
  test -s /usr/share/zsh/site-functions/_$name
  test -s /usr/share/fish/vendor_completions.d/$name.fish
done
test -s /usr/share/doc/rotv-sync/copyright
dpkg --verify rotv-sync
touch /root/mine
apt-get install --yes --no-install-recommends /later.deb
dpkg-query -W -f '${Version}\n' rotv-sync | grep '^0.1.0+later$'
rotv-sync --version
apt-get purge --yes rotv-sync
! command -v rotv-sync
test -z "$(find /usr /etc /var/lib -name '*rotv*' -not -path '/var/lib/apt/*')"
test -e /root/mine
END
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
# Of another distribution than Debian mmdebstrap knows the mirror.
mirrors=()
if write_sources "$suite" "$work/sources"; then mirrors=("$work"/sources/*); fi
# shellcheck disable=SC2016
mmdebstrap --variant=apt --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include=ca-certificates \
  --customize-hook="upload $(echo "$work"/first/*.deb) /first.deb" \
  --customize-hook="upload $(echo "$work"/later/*.deb) /later.deb" \
  --customize-hook="upload $work/try /try" --customize-hook='chroot "$1" sh /try' \
  --components=main,universe "$suite" /dev/null "${mirrors[@]}" >"$work/log" 2>&1 ||
  { tail -n 60 "$work/log" >&2 && fail "the package cannot be installed, used, replaced or removed"; }
cp "$work"/first/*.deb "$directory/"
