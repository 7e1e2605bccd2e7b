# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# Builds and runs Swift tests and counts them. Source shell.sh and build.sh first.

PASSED=0
FAILED=0
UNFINISHED=()
RUNNING=

# Ends the tests that run when the script is told to end.
stop_tests() {
    [[ -n $RUNNING ]] || return 0
    kill -TERM "$RUNNING" 2>/dev/null || true
    wait "$RUNNING" 2>/dev/null || true
}
on_exit stop_tests

# Builds everything, executables and tests; a line for each tenth of the way, so that nobody thinks it hangs.
build_tests() {
    local arguments=(--build-tests) log=$SCRATCH/build.log
    if [[ -n ${CANO_BUILD_JOBS:-} ]]; then arguments+=(--jobs "$CANO_BUILD_JOBS"); fi
    if ! swift build "${arguments[@]}" 2>&1 </dev/null | tee "$log" | show_progress; then
        grep -E 'error:|warning:' "$log" | sort -u | head -n 60 >&2 || true
        tail -n 20 "$log" >&2
        say "the build failed; the lines above say where"
        FAILED=1
        report_tests || exit 1
    fi
}

# The test targets, the quick ones first; those that start whole processes come last and have the machine to themselves.
test_targets() {
    local folder name last=()
    for folder in Tests/*Tests; do
        name=${folder#Tests/}
        case $name in
            *EndToEnd* | *Process* | *Crash*) last+=("$name") ;;
            *) echo "$name" ;;
        esac
    done
    if ((${#last[@]} > 0)); then printf '%s\n' "${last[@]}"; fi
}

# run_tests NAME ARGUMENT…: one `swift test` on what was built; adds up its counts.
#
# The counts come from the report that Swift Testing writes at the end. Without one (a crash, the time limit) the whole
# run counts as one more failure: nothing that did not end counts as passed.
run_tests() {
    local name=$1 report="$SCRATCH/report-$1" limit=${CANO_TEST_TIMEOUT:-600} status=0 began=$SECONDS
    shift
    say "Testing $name"
    # In the background, so that a signal to this script is seen at once.
    timeout --kill-after=20 "$limit" swift test --skip-build --xunit-output "$report.xml" "$@" >"$report.log" 2>&1 \
        </dev/null &
    RUNNING=$!
    wait "$RUNNING" || status=$?
    RUNNING=
    local passed=0 failed=0 skipped=0
    if [[ -f $report-swift-testing.xml ]]; then
        read -r passed failed skipped < <(count_tests "$report-swift-testing.xml")
    fi
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    local problem=
    if ((status == 124 || status == 137)); then
        problem="stopped after $limit s"
    elif ((status != 0 && failed == 0)); then
        problem="exit code $status"
    elif ((passed + failed + skipped == 0)); then
        problem="no test ran"
    fi
    if [[ -n $problem ]]; then
        FAILED=$((FAILED + 1))
        UNFINISHED+=("$name ($problem)")
        tail -n 60 "$report.log" >&2
    elif ((failed > 0)); then
        grep -E '^(✘|↳)' "$report.log" | head -n 200 >&2 || true
    fi
    local others=
    if ((skipped > 0)); then others=", $skipped skipped"; fi
    say "  $passed passed, $failed failed$others, $((SECONDS - began)) s"
}

# Prints how many tests of a report passed, failed and were skipped. (The totals in its head count problems, not tests.)
count_tests() {
    awk '
        /<testcase / { tests++; isBad = 0; isSkipped = 0 }
        /<failure/ && !isBad { isBad = 1; failed++ }
        /<skipped/ && !isSkipped { isSkipped = 1; skipped++ }
        END { printf "%d %d %d\n", tests - failed - skipped, failed, skipped }
    ' "$1"
}

# Says what did not end, then the plain last line; fails when a test failed or none ran.
report_tests() {
    local name
    for name in "${UNFINISHED[@]}"; do say "did not end properly: $name"; done
    if ((PASSED + FAILED == 0)); then
        say "no test ran"
        FAILED=1
    fi
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((FAILED == 0))
}
