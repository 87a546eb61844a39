# Makes what ./ub and ./check need: sourced by both, with $root (the checkout) set, in POSIX sh.
#
# .venv holds exactly what requirements.lock names, and what requirements-dev.lock names once
# ./check ran. The first line of a lock file carries the digest of its other lines; a stamp in .venv
# is a copy of that line, written last. So "is it up to date?" is one comparison of two short lines,
# and a setup that was interrupted is begun anew. Nothing is printed when there is nothing to do.

say() {
    printf 'unibuild: %s\n' "$*" >&2
}

fail() { # cause, hint
    printf 'error: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 3
}

# up_to_date LOCK STAMP: whether the stamp is of that lock.
up_to_date() {
    { read -r want <"$root/$1" && read -r have <"$root/.venv/$2"; } 2>/dev/null &&
        [ "$want" = "$have" ] && [ -x "$root/.venv/bin/python3" ]
}

# install_packages PACKAGE...: through apt, as root or with sudo, saying so.
install_packages() {
    command -v apt-get >/dev/null 2>&1 ||
        fail "this machine lacks: $*" "install these with its package manager (names are Debian's)"
    if [ "$(id -u)" -eq 0 ]; then
        privilege=
    elif command -v sudo >/dev/null 2>&1; then
        privilege=sudo
    else
        fail "this machine lacks: $*" "as root: apt-get install $*"
    fi
    say "installing with apt: $*"
    log=$(mktemp)
    # Lists of packages may be missing (a new machine) or old: look once, and again after an update.
    if $privilege env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends "$@" >"$log" 2>&1; then
        :
    elif $privilege apt-get update --quiet >"$log" 2>&1 &&
        $privilege env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --quiet --no-install-recommends "$@" >"$log" 2>&1; then
        :
    else
        cat "$log" >&2
        rm -f "$log"
        fail "apt could not install: $*" "see apt's own words above; then try again"
    fi
    rm -f "$log"
}

# find_python: sets $python to the real path of a Python that is new enough. The real path names the
# minor version, so that the environment is seen to be broken when that version goes away.
find_python() {
    for name in ${UNIBUILD_PYTHON:-python3 python3.13 python3.12 python3.11}; do
        python=$("$name" -I -c '
import os, sys
sys.version_info >= (3, 11) and print(os.path.realpath(sys.executable))' 2>/dev/null) || continue
        [ -n "$python" ] && return
    done
    fail "no Python 3.11 or later was found" "install python3, or set UNIBUILD_PYTHON to one"
}

# make_environment: an empty .venv with pip in it.
make_environment() {
    find_python
    if ! "$python" -I -c 'import ensurepip, venv' 2>/dev/null; then
        case $python in
            /usr/bin/python3.*) install_packages "${python##*/}-venv" ;;
            *) fail "$python lacks the modules venv and ensurepip" "install them, or set UNIBUILD_PYTHON" ;;
        esac
    fi
    "$python" -I -m venv --clear "$root/.venv" ||
        fail "could not make $root/.venv" "see the words above; is the folder writable, the disk full?"
}

# install_lock LOCK: exactly what the lock names, through pip as this machine has it configured.
install_lock() {
    "$root/.venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --no-deps --only-binary :all: --requirement "$root/$1" ||
        fail "pip could not install $1" "the network, or pip's configuration ('pip config list')"
}

# add_command: the command .venv/bin/unibuild and the import path to this checkout. The command
# starts Python without its site module, which costs more than a build that has nothing to do.
add_command() {
    set -- "$root"/.venv/lib/python3.*/site-packages
    printf '../../../..\n' >"$1/unibuild.pth"
    library=${1#"$root/.venv/"}
    cat >"$root/.venv/bin/unibuild" <<END
#!$root/.venv/bin/python3 -IS
import os.path
import sys

environment = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(environment))
sys.path.append(environment + "/$library")

from unibuild.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
END
    chmod 755 "$root/.venv/bin/unibuild"
}

# ensure_environment [dev]: .venv as the locks say. Several at once wait for one another.
ensure_environment() {
    root=$(cd "$root" && pwd) || exit 3
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$root/.venv.lock" || fail "cannot write in $root" "clone into a folder of your own"
        flock 9
    fi
    kept=
    up_to_date requirements-dev.lock stamp-dev && kept=dev
    if ! up_to_date requirements.lock stamp; then
        say "setting up Python packages in .venv"
        make_environment
        install_lock requirements.lock
        add_command
        kept=
        read -r line <"$root/requirements.lock"
        printf '%s\n' "$line" >"$root/.venv/stamp"
    fi
    if [ "${1:-}" = dev ] && [ "$kept" != dev ]; then
        say "setting up development tools in .venv"
        rm -f "$root/.venv/stamp"
        install_lock requirements-dev.lock
        read -r line <"$root/requirements-dev.lock"
        printf '%s\n' "$line" >"$root/.venv/stamp-dev"
        read -r line <"$root/requirements.lock"
        printf '%s\n' "$line" >"$root/.venv/stamp"
    fi
    exec 9>&-
}
