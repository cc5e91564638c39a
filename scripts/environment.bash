# Sourced by the other scripts: where things are, and who may do what.
# Sets repository, pg_config, pg_bindir; PG_CONFIG or PG_MAJOR chooses among several installed versions of PostgreSQL.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# The newest installed server's pg_config, or nothing.
newest_pg_config() {
    local server
    for server in $(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -t/ -k5,5Vr); do
        [[ -x $server && -x ${server%/postgres}/pg_config ]] || continue
        printf '%s\n' "${server%/postgres}/pg_config"
        return
    done
}

find_pg_config() {
    if [[ -n ${PG_CONFIG:-} ]]; then
        pg_config=$PG_CONFIG
    elif [[ -n ${PG_MAJOR:-} ]]; then
        pg_config=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config
    else
        pg_config=$(newest_pg_config)
        [[ -n $pg_config ]] || pg_config=$(command -v pg_config || true)
    fi
    [[ -n $pg_config ]] && command -v "$pg_config" >/dev/null ||
        die "no pg_config found; run scripts/install-dependencies, or set PG_CONFIG to your server's pg_config"
    pg_bindir=$("$pg_config" --bindir)
}

# Runs a command as root: packages and files of the system are its business only.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo here; run it as root: $*"
    fi
}

# Runs a command as the user that throw-away servers run as: PostgreSQL refuses to run as root.
as_server_user() {
    if ((EUID == 0)); then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# Builds the extension and the engine, and installs both; with `programs` also builds the unit tests and benchmarks. The
# output goes to a file and is shown only if it fails.
#   build_and_install LOG [programs]
build_and_install() {
    local log=$1 step
    shift
    : >"$log"
    # One after the other: both are CMake's, in one directory.
    for step in all "$@"; do
        make -C "$repository" -j"$(nproc)" PG_CONFIG="$pg_config" "$step" >>"$log" 2>&1 || build_failed
    done
    as_root make -C "$repository" install PG_CONFIG="$pg_config" >>"$log" 2>&1 || build_failed
}

build_failed() {
    cat "$log" >&2
    die "the build failed; its output is above"
}

# Copies what the servers' user runs to a place that it can read and write, and sets tap_environment, which TAP scripts need.
#   copy_tests DIRECTORY
copy_tests() {
    local directory=$1 pgxs
    mkdir -p "$directory/tmp"
    cp -r "$repository"/{test,scripts,docs,monitoring,README.md} "$directory/"
    # A link into the repository, which that user may not be able to follow.
    if [[ -L $directory/test/stores/node_modules ]] && ! as_server_user test -r "$directory/test/stores/node_modules/."; then
        rm "$directory/test/stores/node_modules"
        cp -rL "$repository/test/stores/node_modules" "$directory/test/stores/"
    fi
    ((EUID != 0)) || chown -R postgres "$directory"
    pgxs=$(dirname "$("$pg_config" --pgxs)")/../..
    # shellcheck disable=SC2034  # for who sources this
    tap_environment=(
        PATH="$pg_bindir:$PATH" LC_ALL=C.UTF-8 TMPDIR="$directory/tmp" PERL5LIB="$pgxs/src/test/perl:$directory/test/t"
        PG_REGRESS="$pgxs/src/test/regress/pg_regress"
        # Up to version 15 PostgreSQL's test modules look at the first, later ones at the others.
        TESTDIR="$directory" TESTDATADIR="$directory/tmp_check" TESTLOGDIR="$directory/tmp_check/log"
    )
}
