# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# A coordinator on a SQLite file and workers, as processes on ports that the system chooses. Source shell.sh,
# process.sh and build.sh first; SCRATCH is the folder of store and logs.

# shellcheck disable=SC2034 # for whoever sources this
declare -A WORKER_PIDS=()
COORDINATOR_PID=
LISTEN=127.0.0.1:0
HTTP=127.0.0.1:0

# Starts the coordinator: the first time on ports of the system's choice, later on the same ones and the same file. It
# owns everything at once: the lock of the file proves that the one before it is dead.
start_coordinator() {
    start_process COORDINATOR_PID "$SCRATCH/coordinator.log" "$BIN/cano-coordinator" \
        --store "sqlite:$SCRATCH/cano.sqlite" --listen "$LISTEN" --http "$HTTP"
    if [[ $HTTP == *:0 ]]; then
        wait_until 30 coordinator_listens || fail "the coordinator does not start; see $SCRATCH/coordinator.log"
        LISTEN=$(sed -n 's/^listening workers=\([^ ]*\) .*/\1/p' "$SCRATCH/coordinator.log")
        HTTP=$(sed -n 's/^listening .* http=//p' "$SCRATCH/coordinator.log")
        export CANO_URL=http://$HTTP
    fi
    wait_for_http 30 "${HTTP%:*}" "${HTTP##*:}" /readyz "$COORDINATOR_PID" ||
        fail "the coordinator does not get ready; see $SCRATCH/coordinator.log"
}

coordinator_listens() { grep -qs '^listening ' "$SCRATCH/coordinator.log" || ! is_running "$COORDINATOR_PID"; }

# start_worker NAME OPTION…: starts a worker.
start_worker() {
    local name=$1 pid
    shift
    start_process pid "$SCRATCH/$name.log" "$BIN/cano-worker" --coordinator "$LISTEN" --name "$name" "$@"
    # shellcheck disable=SC2034 # for whoever sources this
    WORKER_PIDS[$name]=$pid
}

# poll_run RUN: reads what is new of a run's timeline into $SCRATCH/page and sets
#   STATUS   the run's status
#   DONE     branches that have ended, TOTAL of how many
#   LEASES   one line for each attempt that runs now, with the worker's name
# Fails when the coordinator does not answer.
#
# The answer is JSON on one line with its names in order: leases, next, run, timeline. A quotation mark in a text has a
# backslash before it, so what is searched for here is never part of one.
poll_run() {
    local page=$SCRATCH/page count last
    while true; do
        http_get "${HTTP%:*}" "${HTTP##*:}" "/v1/runs/$1?after=$SEEN&limit=1000" >"$page" || return 1
        LEASES=$(sed -e 's/^{"leases":\[\(.*\)/\1/' -e 's/\],"\(next\|run\)":.*//' "$page" |
            grep -o '"worker":"[^"]*"' | sed -e 's/.*:"//' -e 's/"$//' || true)
        STATUS=$(grep -o '"status":"[a-zA-Z]*"' "$page" | head -n 1 | sed -e 's/.*:"//' -e 's/"$//')
        count=$(grep -o '"kind":"branchDone"' "$page" | wc -l || true)
        DONE=$((DONE + count))
        count=$(grep -o '"branches":[0-9]*' "$page" | head -n 1 | sed 's/.*://' || true)
        TOTAL=${count:-$TOTAL}
        last=$(grep -o '"seq":[0-9]*' "$page" | tail -n 1 | sed 's/.*://' || true)
        SEEN=${last:-$SEEN}
        grep -q '^{"leases":\[[^]]*\],"next":' "$page" || return 0
    done
}

# Begins a new count for poll_run.
forget_progress() {
    # shellcheck disable=SC2034 # for whoever sources this
    SEEN=0 DONE=0 TOTAL=0 STATUS='' LEASES=''
}
