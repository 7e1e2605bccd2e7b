# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# The Debian packages that a build and a test need. Source shell.sh first.

# For the build: headers that the packages of CLibPQ and GRDB look for.
readonly BUILD_PACKAGES=(libpq-dev libsqlite3-dev pkg-config)
# For the tests: a server of their own, a pooler before it, and shells for the views.
# shellcheck disable=SC2034 # for whoever sources this
readonly TEST_PACKAGES=("${BUILD_PACKAGES[@]}" postgresql pgbouncer sqlite3)

# Prints those of the named packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        case $package in
            # What counts is what they bring, wherever it comes from.
            libpq-dev) pkg-config --exists libpq 2>/dev/null || echo "$package" ;;
            libsqlite3-dev) pkg-config --exists sqlite3 2>/dev/null || echo "$package" ;;
            pkg-config) have pkg-config || echo "$package" ;;
            sqlite3) have sqlite3 || echo "$package" ;;
            postgresql) has_postgres_server || echo "$package" ;;
            pgbouncer) [[ -x /usr/sbin/pgbouncer ]] || echo "$package" ;;
            *) dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package" ;;
        esac
    done
}

has_postgres_server() {
    local place
    for place in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
        if [[ -n $place && -x $place/initdb && -x $place/pg_ctl ]]; then return 0; fi
    done
    return 1
}

# Installs what is missing of the named packages; silent and offline when nothing is.
ensure_packages() {
    local missing=() as_root=()
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0
    if ! have apt-get; then
        fail "these are missing (by their Debian names): ${missing[*]}; install them and try again"
    fi
    if [[ $EUID -ne 0 ]]; then
        if ! have sudo || ! sudo -n true 2>/dev/null; then
            fail "packages are missing; as root, run: apt-get install --no-install-recommends ${missing[*]}"
        fi
        as_root=(sudo -n)
    fi
    say "Installing ${missing[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    local log
    log=$(mktemp)
    if ! { "${apt[@]}" update && "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install ${missing[*]}; the lines above say why"
    fi
    rm -f "$log"
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}"
}

# Makes sure that there is a Swift that can build this package.
ensure_swift() {
    have swift || fail "no swift in PATH; install a toolchain of 6.2 or later from https://www.swift.org/install"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || fail "'swift --version' does not answer; is the toolchain complete?"
    if ((${version%%.*} < 6 || (${version%%.*} == 6 && ${version#*.} < 2))); then
        fail "Swift $version is too old; 6.2 or later is needed, from https://www.swift.org/install"
    fi
}
