# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# Builds programs in the debug configuration, which scripts/test builds too. Source shell.sh first.
#
# CANO_BIN_DIR      a folder that has the programs already: nothing is built
# CANO_BUILD_JOBS   parallel compilations (default: one a core)

# Reads the output of a build and says how far it has come.
show_progress() {
    local line tenth last=0 began=$SECONDS
    while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] && ((BASH_REMATCH[2] > 20)); then
            tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
            if ((tenth > last)); then
                last=$tenth
                say "  ${tenth}0 % after $((SECONDS - began)) s"
            fi
        fi
    done
}

# build_programs LOG NAME…: builds the named programs and sets BIN to the folder where they are.
build_programs() {
    local log=$1 name arguments=()
    shift
    BIN=${CANO_BIN_DIR:-}
    if [[ -z $BIN ]]; then
        if [[ -n ${CANO_BUILD_JOBS:-} ]]; then arguments+=(--jobs "$CANO_BUILD_JOBS"); fi
        for name in "$@"; do
            say "Building $name"
            if ! swift build "${arguments[@]}" --product "$name" 2>&1 </dev/null | tee -a "$log" | show_progress; then
                grep -E 'error:|warning:' "$log" | sort -u | head -n 60 >&2 || true
                tail -n 20 "$log" >&2
                fail "the build of $name failed; the lines above say where"
            fi
        done
        BIN=$(swift build --show-bin-path)
    fi
    for name in "$@"; do
        [[ -x $BIN/$name ]] || fail "there is no program '$name' in $BIN; build it, or unset CANO_BIN_DIR"
    done
}
