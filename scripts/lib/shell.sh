# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# What every script here begins with. Source it after `set -euo pipefail`:
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib/shell.sh"
#
# It gives: $ROOT, say, fail, have, on_exit, scratch_folder, locale and safe names for temporary things.

export LC_ALL=C.UTF-8
unset CDPATH GREP_OPTIONS
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck disable=SC2034 # for whoever sources this
readonly ROOT
SCRIPT=${0##*/}
readonly SCRIPT
umask 022

# A line for people, on stderr, so that stdout carries results alone.
say() { printf '%s\n' "$*" >&2; }

# Says what is wrong in one line and ends the script.
fail() {
    say "$SCRIPT: $*"
    exit 1
}

# Whether there is such a command.
have() { command -v "$1" >/dev/null 2>&1; }

CLEANUPS=()

# Runs a command when the script ends, however it ends, the latest one first: on_exit stop_process 123
on_exit() {
    local quoted
    printf -v quoted '%q ' "$@"
    CLEANUPS+=("$quoted")
}

run_cleanups() {
    local status=$? index
    trap '' HUP INT TERM
    trap - EXIT
    set +e
    for ((index = ${#CLEANUPS[@]} - 1; index >= 0; index--)); do
        eval "${CLEANUPS[index]}"
    done
    exit "$status"
}
trap run_cleanups EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Sets the variable named $1 to a new folder that goes away when the script ends. Everybody may enter it, nobody else
# may write there: a PostgreSQL server that runs as another user keeps its files in it.
scratch_folder() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/cano.XXXXXXXX")
    chmod 711 "$folder"
    on_exit rm -rf -- "$folder"
    printf -v "$1" '%s' "$folder"
}
