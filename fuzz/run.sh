#!/usr/bin/env bash
# Fuzzes every target, beginning from the corpus in the repository:
#
#     bash fuzz/run.sh [SECONDS]              each target for so long, 60 unless given; what it finds stays in target/fuzz
#     bash fuzz/run.sh merge                  takes into the corpus those finds that reach something new
#     bash fuzz/run.sh reproduce TARGET FILE  runs one input
#
# The engine is libFuzzer. A C++ compiler builds it; nothing needs a nightly toolchain.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly targets=(cookie_header ticket_codec)
# Longer inputs than these find nothing that shorter ones do not: servers stop at 8 KiB of cookies.
readonly max_len=8192

readonly build_dir=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
readonly finds=$build_dir/finds artifacts=$build_dir/artifacts
host=$(rustc --print host-tuple)
readonly bin_dir=$build_dir/$host/release

main() {
    case ${1:-60} in
        merge)
            build
            each merge
            ;;
        reproduce)
            build
            "$bin_dir/${2:?which target?}" "${3:?which file?}"
            ;;
        *[!0-9]*)
            sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
            exit 2
            ;;
        *)
            build
            each fuzz "${1:-60}"
            ;;
    esac
}

# What libFuzzer asks of the compiler is LLVM's coverage pass and its traces of comparisons, which the stable compiler has. Naming the
# target keeps both out of build scripts and procedural macros.
build() {
    local flags=(
        -Cpasses=sancov-module
        -Cllvm-args=-sanitizer-coverage-level=4
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
        -Cllvm-args=-sanitizer-coverage-pc-table
        -Cllvm-args=-sanitizer-coverage-trace-compares
        -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    )
    CARGO_TARGET_DIR=$build_dir RUSTFLAGS=${flags[*]} cargo build --locked --release --target "$host" \
        --manifest-path fuzz/Cargo.toml "${targets[@]/#/--bin=}"
}

each() {
    local target
    for target in "${targets[@]}"; do
        "$1" "$target" "${@:2}"
    done
}

fuzz() {
    local target=$1 seconds=$2 log=$build_dir/$1.log
    mkdir -p "$finds/$target" "$artifacts"
    echo "fuzzing $target for $seconds s"
    if ! "$bin_dir/$target" -max_total_time="$seconds" -max_len="$max_len" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$artifacts/$target-" "$finds/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        grep -A 3 'panicked at' "$log" >&2 || true
        echo "$target FAILED, see $log. The input was kept: $(sed -n 's/.*Test unit written to //p' "$log")" >&2
        echo "Once it is fixed, put that file into fuzz/corpus/$target, so that cargo test replays it for good." >&2
        exit 1
    fi
    grep -E '^#[0-9]+.(INITED|DONE)|^stat::' "$log"
    # Without its counters the engine runs blind, and happily.
    grep -q 'inline 8-bit counters' "$log" || {
        echo "$target was not instrumented" >&2
        exit 1
    }
}

# New is what takes a branch that nothing else in the corpus takes. How often it is taken does not count here, or the corpus would grow
# to thousands of files that say little; the engine finds those again in seconds.
merge() {
    local target=$1
    mkdir -p "$finds/$target"
    "$bin_dir/$target" -set_cover_merge=1 -use_counters=0 -max_len="$max_len" "fuzz/corpus/$target" "$finds/$target"
}

main "$@"
