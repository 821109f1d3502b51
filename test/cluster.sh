#!/usr/bin/env bash
#
# cluster.sh COMMAND [ARGUMENT ...]: runs COMMAND with a PostgreSQL cluster of
# its own, which is gone afterwards, however COMMAND ends.
#
# The server is that of PG_CONFIG.  It runs as the caller, or as an
# unprivileged user if the caller is root, listens on a socket in a temporary
# directory and nowhere else, and does not care for durability.  COMMAND runs
# as the caller, is connected to it by the usual variables (PGHOST and so on,
# no others), and finds
#
#   CJM_WORK    the temporary directory, for files of its own
#   CJM_USER    the unprivileged user, or nothing if that is the caller
set -euo pipefail

pg_config=${PG_CONFIG:-pg_config}
bindir=$("$pg_config" --bindir)

while read -r name; do
	[ "$name" = PG_CONFIG ] || unset "$name"
done < <(compgen -e PG || true)

CJM_USER=
if [ "$(id -u)" = 0 ]; then
	CJM_USER=nobody
	! getent passwd postgres >/dev/null || CJM_USER=postgres
fi

# Runs a command as the server's user, in a directory that this user can read.
as_server()
{
	(
		cd "$CJM_WORK"
		if [ -n "$CJM_USER" ]; then
			exec runuser -u "$CJM_USER" -- "$@"
		else
			exec "$@"
		fi
	)
}

CJM_WORK=
command=

# The processes that COMMAND has started and that are still there; they all know CJM_WORK.
leftovers()
{
	local file

	for file in /proc/[0-9]*/environ; do
		if tr '\0' '\n' <"$file" | grep -q -x -F "CJM_WORK=$CJM_WORK"; then
			file=${file%/environ}
			echo "${file#/proc/}"
		fi
	done 2>/dev/null
}

cleanup()
{
	local pid

	trap '' INT TERM HUP
	[ -n "$CJM_WORK" ] || return 0
	if [ -n "$command" ]; then
		kill "$command" 2>/dev/null || true
		kill $(leftovers) 2>/dev/null || true
	fi
	# Our own server, and those that a test may have left behind.
	while read -r pid; do
		as_server "$bindir/pg_ctl" stop -D "$(dirname "$pid")" -m immediate -s >/dev/null 2>&1 || true
	done < <(find "$CJM_WORK" -name postmaster.pid 2>/dev/null || true)
	rm -rf "$CJM_WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# A socket's path is 107 bytes at most, and the server's user must be able to enter.
for dir in "${TMPDIR:-/tmp}" /tmp; do
	CJM_WORK=$(mktemp -d "$dir/cjm.XXXXXX")
	[ -z "$CJM_USER" ] || chown "$CJM_USER:" "$CJM_WORK"
	if [ ${#CJM_WORK} -le 70 ] && as_server test -w . 2>/dev/null; then
		break
	fi
	rm -rf "$CJM_WORK"
	CJM_WORK=
done
if [ -z "$CJM_WORK" ]; then
	echo "cjm: no temporary directory that the server's user can write to" >&2
	exit 1
fi

if ! {
	as_server mkdir -m 700 socket &&
	as_server "$bindir/initdb" -D "$CJM_WORK/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync &&
	as_server sh -c 'cat >>data/postgresql.conf' <<-CONF &&
		listen_addresses = ''
		unix_socket_directories = '$CJM_WORK/socket'
		port = 5432
		timezone = 'UTC'
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		wal_level = minimal
		max_wal_senders = 0
		max_wal_size = '4GB'
	CONF
	as_server "$bindir/pg_ctl" start -w -s -D "$CJM_WORK/data" -l "$CJM_WORK/server.log"
} >"$CJM_WORK/start.log" 2>&1 </dev/null; then
	cat "$CJM_WORK/start.log" "$CJM_WORK/server.log" >&2 2>/dev/null || true
	echo "cjm: could not start a cluster in $CJM_WORK" >&2
	exit 1
fi

export CJM_WORK CJM_USER
export PG_CONFIG=$pg_config PATH="$bindir:$PATH"
export PGHOST=$CJM_WORK/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
export LC_ALL=C

# In the background, so that a signal to this script alone ends the command at once.
"$@" <&0 &
command=$!
status=0
wait "$command" || status=$?
command=

if [ "$status" != 0 ] && grep -E 'PANIC|TRAP|was terminated by signal' "$CJM_WORK/server.log" >/dev/null; then
	echo "The server crashed:" >&2
	grep -E -A 2 'PANIC|TRAP|was terminated by signal' "$CJM_WORK/server.log" | head -n 20 >&2
fi
exit "$status"
