#!/usr/bin/env bash
# Counts the instructions of one request by callgrind: `bash benches/peers/instructions.sh`, from any folder.
#
# Each case runs twice, with few and with many requests; the difference over the difference in number is what one
# request costs. Start-up is not counted, and what only the first requests do cancels out. Making the request is in it,
# for the bare route as for all others, so that "over bare" is what the session adds.
#
# valgrind emulates a processor of its own: 3.19 has AES-NI, PCLMUL and AVX2, but neither AVX-512 nor VAES. AES-GCM-SIV
# of aws-lc, AES-GCM below the private cookies, the SIMD engine of base64 and memchr ask for no more than that, so they
# run the code here that they run outside; glibc's memory functions have wider ones there.
set -euo pipefail
shopt -s inherit_errexit

readonly few=200 many=1200

main() {
    local here
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    command -v cargo >/dev/null || fail "cargo is not on the PATH: install Rust first"
    command -v valgrind >/dev/null ||
        fail "valgrind is missing: install the package 'valgrind', its callgrind does the counting"

    cargo build --quiet --locked --release --manifest-path "$here/Cargo.toml" --bin instructions
    program=$(target_directory "$here")/release/instructions
    [ -x "$program" ] || fail "cargo has built no $program"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT

    table
}

# One line per case as soon as it is known; the bare route is the first of the list.
table() {
    local number role label count bare='' ours=''
    printf '| %-66s | %12s | %9s |\n' case instructions 'over bare'
    printf '|%s|%s:|%s:|\n' "$(dashes 68)" "$(dashes 13)" "$(dashes 10)"
    while IFS=$'\t' read -r number role label; do
        count=$(per_request "$number")
        bare=${bare:-$count}
        if [ "$role" = ours ]; then
            ours=$((count - bare))
        fi
        printf '| %-66s | %12d | %9d |\n' "$label" "$count" $((count - bare))
    done < <("$program" list)
    [ -n "$ours" ] || fail "the list of cases does not hold this crate's authenticated read"
    printf '\ninstructions over bare: %d\n' "$ours"
}

per_request() {
    local low high
    low=$(counted "$1" "$few")
    high=$(counted "$1" "$many")
    echo $(((high - low) / (many - few)))
}

# Instructions of a whole run of case $1 with $2 requests.
counted() {
    local out=$scratch/out log=$scratch/log total
    rm -f "$out"
    valgrind --tool=callgrind --toggle-collect='*send_requests*' --callgrind-out-file="$out" \
        "$program" "$1" "$2" >"$log" 2>&1 || fail "callgrind failed on case $1: $(cat "$log")"
    total=$(sed -n 's/^totals: *//p' "$out")
    [ "${total:-0}" -gt 0 ] || fail "callgrind has left no total for case $1: $(cat "$log")"
    echo "$total"
}

target_directory() {
    cargo metadata --locked --format-version 1 --no-deps --manifest-path "$1/Cargo.toml" |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

dashes() {
    printf '%*s' "$1" '' | tr ' ' -
}

fail() {
    echo "instructions.sh: $*" >&2
    exit 1
}

main
