#!/usr/bin/env bash
# Measure on a bare Debian 12: seconds from clone to the first page, to green checks and to green tests;
# before that, what ./setup tells somebody who is not root.
#   tools/bare_machine.sh [folder]     needs root, debootstrap, a few gigabytes and the network
# The machine is made in the folder (default: a new one, removed at the end) with Python, git and make, no more.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "bare_machine: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bare_machine: type: apt-get install -y debootstrap" >&2; exit 1; }

repository="$(cd "$(dirname "$0")/.." && pwd)"
machine="${1:-$(mktemp -d)}"
kept="${1:-}"
port="${PORT:-8765}"

# Everything is mounted in a name space of its own, which goes with this script, however it ends.
if [ -z "${IN_NAMESPACE:-}" ]; then
    code=0
    IN_NAMESPACE=1 unshare --mount --propagation private "$0" "$machine" || code=$?
    [ -n "$kept" ] || rm -rf --one-file-system "$machine"
    exit "$code"
fi

seconds() { date +%s.%N; }
told() { printf '%-28s %6.1f s\n' "$1" "$(python3 -c "print($(seconds) - $2)")"; }

is_new=""
if [ ! -x "$machine/usr/bin/git" ]; then
    is_new=1
    debootstrap --variant=minbase --include=python3,git,make,ca-certificates bookworm "$machine" >/dev/null
fi
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
mount -t tmpfs tmpfs "$machine/dev/shm"
# What this machine needs to reach the network, the bare one needs as well.
cp /etc/resolv.conf "$machine/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/ca-certificates.crt"
pass=(HOME=/root "PATH=/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 "PORT=$port")
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY \
    PIP_INDEX_URL PIP_CERT NODE_EXTRA_CA_CERTS SSL_CERT_FILE DEMO; do
    [ -z "${!name:-}" ] || pass+=("$name=${!name}")
done
inside() { env -i "${pass[@]}" chroot "$machine" /bin/bash -c "$1"; }
# `make` takes the place of the shell, so that $! is make, which hands a signal on to what it runs.
run_product() { exec env -i "${pass[@]}" chroot "$machine" /bin/bash -c 'cd /srv/product && exec make run'; }
first_page() { # first_page <what> <since>
    until python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/', timeout=2)" 2>/dev/null; do
        kill -0 "$running" 2>/dev/null || { cat "$machine/srv/run.log" >&2; exit 1; }
        sleep 0.2
    done
    told "$1" "$2"
    kill -TERM "$running"
    wait "$running" || true
}

rm -rf "$machine/srv/origin.git" "$machine/srv/product"
git clone --quiet --bare "$repository" "$machine/srv/origin.git"

# Who is not root is told in one line what to type. On a machine that is kept, it is there from the run before.
if [ -n "$is_new" ]; then
    said="$(inside 'git clone --quiet /srv/origin.git /srv/as-user && chown -R nobody /srv/as-user && cd /srv/as-user &&
        setpriv --reuid=nobody --regid=nogroup --clear-groups ./setup run 2>&1 || true')"
    rm -rf "$machine/srv/as-user"
    echo "without root: $said"
    if [ "$(wc -l <<<"$said")" != 1 ] || [[ "$said" != "setup: type: sudo apt-get install -y lib"*" python3-venv "* ]]; then
        echo "bare_machine: ./setup did not say in one line what to type" >&2
        exit 1
    fi
fi

began="$(seconds)"
inside 'git clone --quiet /srv/origin.git /srv/product'
run_product >"$machine/srv/run.log" 2>&1 &
running=$!
first_page "clone to first page" "$began"

began="$(seconds)"
run_product >"$machine/srv/run.log" 2>&1 &
running=$!
first_page "second start" "$began"

rm -rf "$machine/srv/product"
began="$(seconds)"
inside 'git clone --quiet /srv/origin.git /srv/product && cd /srv/product && make check'
told "clone to green checks" "$began"
began="$(seconds)"
inside 'cd /srv/product && make test'
told "green tests after that" "$began"
