# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
#
# Processes and ports: start, watch, stop by pid; never by name. Source shell.sh first.

# Sets the variable named $1 to a port of 127.0.0.1 that was free a moment ago.
free_port() {
    local port
    if have perl; then
        port=$(perl -MIO::Socket::INET -e \
            'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 1)->sockport') || port=
    fi
    while [[ -z ${port:-} ]]; do
        port=$((20000 + RANDOM % 12000))
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then port=; fi
    done
    printf -v "$1" '%s' "$port"
}

# start_process VARIABLE LOG COMMAND…: starts a command in the background, its output appended to LOG; sets VARIABLE to
# its pid and makes sure that it ends with the script.
start_process() {
    local variable=$1 log=$2
    shift 2
    "$@" >>"$log" 2>&1 </dev/null &
    printf -v "$variable" '%s' "$!"
    on_exit stop_process "$!"
}

# Those that have ended and were waited for: their pids may belong to others by now.
declare -A ENDED=()

# Whether a process of ours is still there.
is_running() { kill -0 "$1" 2>/dev/null; }

# stop_process PID [SECONDS]: asks a child of this script to end, insists after SECONDS (default 10). Quiet when it has
# ended before.
stop_process() {
    local pid=$1 deadline=$((SECONDS + ${2:-10}))
    if [[ -n ${ENDED[$pid]:-} ]]; then return; fi
    kill -CONT "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true
    while is_running "$pid" && ((SECONDS < deadline)); do sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    ENDED[$pid]=yes
}

# kill_process PID: SIGKILL at once. Fails when there was nothing to kill.
kill_process() {
    kill -KILL "$1" 2>/dev/null || return 1
    wait "$1" 2>/dev/null || true
    ENDED[$1]=yes
}

# wait_until SECONDS COMMAND…: runs a command again and again until it succeeds; fails after SECONDS.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# http_get HOST PORT PATH: prints the body of an answer with status 200, without curl. Fails on any other answer.
http_get() {
    # shellcheck disable=SC2016 # the inner shell expands them
    timeout 10 bash -c '
        exec 3<>"/dev/tcp/$1/$2" || exit 1
        printf "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: application/json\r\nConnection: close\r\n\r\n" "$3" "$1" "$2" >&3
        IFS=" " read -r _ status _ <&3 || exit 1
        [[ $status == 200 ]] || exit 1
        while IFS= read -r line <&3 && [[ $line != $'"'\r'"' ]]; do :; done
        cat <&3
    ' bash "$1" "$2" "$3" 2>/dev/null
}

answers() { http_get "$@" >/dev/null; }

# wait_for_http SECONDS HOST PORT PATH [PID]: waits until a GET is answered with 200. Fails after SECONDS, and at once
# when the process PID is gone.
wait_for_http() {
    local deadline=$((SECONDS + $1)) pid=${5:-}
    until answers "$2" "$3" "$4"; do
        ((SECONDS < deadline)) || return 1
        if [[ -n $pid ]] && ! is_running "$pid"; then return 1; fi
        sleep 0.05
    done
}
