#!/bin/sh
# Installs a pinned unibuild on a runner with Debian 12, Ubuntu 24.04 or later; copy it to ci/setup.sh.
#
# ci/requirements.txt names unibuild and what it needs, each with its hashes ("pip-compile
# --generate-hashes", "uv export" and others write such a file).
set -eu

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

as_root apt-get update
as_root apt-get install --yes --no-install-recommends \
    git python3 python3-venv qemu-system-x86 faketime util-linux
# Actions run in sandboxes, which need user namespaces: Ubuntu keeps them from ordinary users.
if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then
    as_root sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
fi
python3 -m venv "$HOME/unibuild"
"$HOME/unibuild/bin/pip" install --require-hashes --requirement ci/requirements.txt
if [ -n "${GITHUB_PATH:-}" ]; then
    echo "$HOME/unibuild/bin" >> "$GITHUB_PATH"
fi
