#!/bin/sh
# Trains in the background at the lowest priority, so that a laptop stays usable.
#
# Usage: scripts/train/background.sh start RUN CONFIG --data PACK [OPTION of train.py]...
#        scripts/train/background.sh status RUN
#        scripts/train/background.sh stop RUN
#
# `start` begins a run, or goes on with a stopped one; output goes to RUN/output.txt. `status` prints one line: step, tokens,
# validation value, tokens a second, and hours to the next anneal or the end. `stop` saves and waits until the run has ended.
# The run waits while the file build/timing.lock exists, which a program that measures time creates and removes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pause=$here/../../build/timing.lock

usage() {
    sed -n '4,6p' "$0" | cut -c3- >&2
    exit 2
}

# Prints the process that trains in folder $1. Fails if there is none.
trainer() {
    [ -s "$1/lock" ] && ! flock --nonblock "$1/lock" true && cat "$1/lock"
}

[ $# -ge 2 ] || usage
command=$1 run=$2
shift 2
case $command in
start)
    [ $# -ge 3 ] || usage
    config=$1
    shift
    mkdir -p "$run"
    for folder in "$run" "$run/causal"; do
        if pid=$(trainer "$folder"); then
            echo "$run: process $pid trains in this folder already" >&2
            exit 1
        fi
    done
    echo "starting" >"$run/status.txt"
    # Linux schedules sessions before processes, so the new session needs the lowest priority, too.
    setsid sh -c '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 19 "$@"' sh \
        "${PYTHON:-python3}" "$here/train.py" "$config" --out "$run" --pause "$pause" "$@" \
        >>"$run/output.txt" 2>&1 </dev/null &
    echo "$run: process $! trains at the lowest priority; its output goes to $run/output.txt"
    ;;
status)
    for folder in "$run/causal" "$run"; do
        if pid=$(trainer "$folder"); then
            echo "$(cat "$folder/status.txt" 2>/dev/null || echo starting) (process $pid)"
            exit
        fi
    done
    echo "$(cat "$run/status.txt" 2>/dev/null || echo "$run: no run") (not training now)"
    ;;
stop)
    for folder in "$run/causal" "$run"; do
        if pid=$(trainer "$folder"); then
            kill "$pid"
            while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
            tail -n 1 "$run/output.txt"
            exit
        fi
    done
    echo "$run: nothing trains in this folder" >&2
    exit 1
    ;;
*) usage ;;
esac
