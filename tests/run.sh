#!/usr/bin/env bash
# Installs what the tests need, where it is missing, and runs them all. Works from any folder; needs Rust and, to install
# anything, apt-get. Arguments go on to `cargo test`, such as a test's name.
set -euo pipefail

main() {
    cd "$(dirname "${BASH_SOURCE[0]}")/.."

    command -v cargo >/dev/null || fail "cargo is not on the PATH: install Rust first"

    # `require PACKAGE COMMAND...` wants any one of the commands; several names are one tool on different systems. A pattern
    # of paths is for what is not on the PATH.
    require gcc cc gcc clang                         # the cryptography library is C
    require g++ c++ g++ clang++                      # and the fuzzing engine is C++
    require curl curl                                # drives the example as a user at a terminal would
    require chromium chromium chromium-browser google-chrome # and as a browser does
    require chromium-driver chromedriver
    require firefox-esr firefox-esr firefox          # and as another browser does
    # The tests start servers of their own. Those of the system, if any run, are left alone.
    require postgresql '/usr/lib/postgresql/*/bin/postgres' postgres
    require redis-server redis-server
    require redis-tools redis-cli
    require procps ps                                # tells which processes must be gone
    # The example's clients are what others wrote, in JavaScript.
    require nodejs node
    require npm npm
    install_missing
    install_relying_parties

    # Tests that need more than Rust are ignored by default; here is what they need. Those with a million or two hundred in
    # their name take too long for every day: the README has their commands.
    cargo test --locked --all-features "$@" -- --include-ignored --skip a_million --skip two_hundred
}

missing_packages=()
missing_tools=()

require() {
    local package=$1 tool
    shift
    for tool in "$@"; do
        if has "$tool"; then
            return
        fi
    done
    missing_packages+=("$package")
    missing_tools+=("$1")
}

has() {
    case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

install_missing() {
    if [ ${#missing_packages[@]} -eq 0 ]; then
        return
    fi
    command -v apt-get >/dev/null ||
        fail "missing: ${missing_tools[*]}; there is no apt-get here to install them with, so please do it yourself"

    echo "installing: ${missing_packages[*]}"
    as_root apt-get -q update
    without_main_cluster as_root apt-get -q install --yes --no-install-recommends "${missing_packages[@]}"

    # A package that brings another command than it should is found out here, not by a puzzling test failure.
    local tool
    for tool in "${missing_tools[@]}"; do
        has "$tool" || fail "'$tool' is still missing after installing ${missing_packages[*]}"
    done
}

# The packages of the lock file, into cargo's target folder. What is there already is left alone.
install_relying_parties() {
    local from=tests/relying_parties lock=package-lock.json target major
    major=$(node --print 'process.versions.node.split(".")[0]')
    [ "$major" -ge 18 ] || fail "node is version $major; 18 is the oldest that the packages in $from/$lock run on"
    target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    target=$target/relying_parties
    if cmp -s "$from/$lock" "$target/installed"; then
        return
    fi
    echo "installing: the packages in $from/$lock"
    mkdir -p "$target"
    rm -f "$target/installed"
    cp "$from/package.json" "$from/$lock" "$from/.npmrc" "$target"
    (cd "$target" && npm ci --ignore-scripts)
    cp "$from/$lock" "$target/installed"
}

# Debian's package of PostgreSQL makes a database cluster and starts it, unless a file says otherwise. The file is there for
# no longer than it takes: somebody may want a cluster later. Where it can't be written, the cluster does no harm.
without_main_cluster() {
    local folder=/etc/postgresql-common/createcluster.d status=0
    local file=$folder/axum-user-session-tests.conf
    case " ${missing_packages[*]} " in
    *' postgresql '*)
        as_root sh -c "mkdir -p '$folder' && echo 'create_main_cluster = false' >'$file'" || true
        ("$@") || status=$?
        as_root rm -f "$file" || true
        return "$status"
        ;;
    *) "$@" ;;
    esac
}

# Nobody may be there to answer a question, so none is asked.
as_root() {
    local command=(env DEBIAN_FRONTEND=noninteractive "$@")
    if [ "$(id -u)" -eq 0 ]; then
        "${command[@]}" </dev/null
    elif command -v sudo >/dev/null; then
        sudo -n "${command[@]}" </dev/null ||
            fail "'sudo -n $*' failed: run this as root, or install ${missing_packages[*]} yourself"
    else
        fail "not root and no sudo: install ${missing_packages[*]} yourself"
    fi
}

fail() {
    echo "tests/run.sh: $*" >&2
    exit 1
}

main "$@"
