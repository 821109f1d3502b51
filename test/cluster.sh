#!/usr/bin/env bash
#
# cluster.sh COMMAND [ARGUMENT ...]: runs COMMAND with a PostgreSQL server and a
# cluster of its own, which are gone afterwards, however COMMAND ends.
#
# The server is that of PG_CONFIG, staged in a temporary directory (stage.sh),
# with cjm as it was built in CJM_BUILD, or in the checkout, installed there:
# what is installed in the system, cjm perhaps, is neither changed nor used.  It
# runs as the caller, or as an unprivileged user if the caller is root, listens
# on a socket in that directory and nowhere else, and does not care for
# durability.  COMMAND runs as the caller, is connected to it by the usual
# variables (PGHOST and so on, no others), and finds what follows.  TEMP_CONFIG, if
# set, names a file whose lines go into postgresql.conf; PostgreSQL's tools have it
# by that name for the clusters of TAP tests.  CJM_UNDER, if set, is a command, valgrind
# with its options, that the server runs under.
#
#   CJM_WORK    the temporary directory, for files of its own
#   CJM_USER    the unprivileged user, or nothing if that is the caller
#   PG_CONFIG   that of the staged server; PATH begins with its programs
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
pg_config=$(command -v "${PG_CONFIG:-pg_config}") || {
	echo "cjm: there is no ${PG_CONFIG:-pg_config}: choose a PostgreSQL with PG_CONFIG=/path/to/pg_config" >&2
	exit 1
}
[[ $pg_config == /* ]] || pg_config=$PWD/$pg_config

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

# A socket's path is 107 bytes at most, the server's user must be able to enter,
# and programs must be able to run.  What root puts there is not for that user to replace.
for dir in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
	CJM_WORK=$(cd "$dir" 2>/dev/null && mktemp -d "$(pwd -P)/cjm.XXXXXX" 2>/dev/null) || continue
	if [ -n "$CJM_USER" ]; then
		chgrp "$(id -g "$CJM_USER")" "$CJM_WORK"
		chmod 1770 "$CJM_WORK"
	fi
	printf '#!/bin/sh\ntest -w .\n' >"$CJM_WORK/try"
	chmod 755 "$CJM_WORK/try"
	if [ ${#CJM_WORK} -le 70 ] && as_server ./try 2>/dev/null; then
		rm "$CJM_WORK/try"
		break
	fi
	rm -rf "$CJM_WORK"
	CJM_WORK=
done
if [ -z "$CJM_WORK" ]; then
	echo "cjm: no temporary directory where the server's user can write and run programs: say one with TMPDIR=" >&2
	exit 1
fi

staged=$(PG_CONFIG=$pg_config "$root/test/stage.sh" "$CJM_WORK/server" cjm)
bindir=$("$staged" --bindir)

# Variables of a make that called us go on, its options and its job server do not.
if [[ " ${MAKEFLAGS:-}" == *" -- "* ]]; then
	MAKEFLAGS="-- ${MAKEFLAGS#*-- }"
else
	unset MAKEFLAGS
fi
if ! (
	umask 022
	exec make -s --no-print-directory -C "${CJM_BUILD:-$root}" -f "$root/Makefile" \
		PG_CONFIG="$pg_config" DESTDIR="$CJM_WORK/server" install
) >"$CJM_WORK/install.log" 2>&1; then
	cat "$CJM_WORK/install.log" >&2
	echo "cjm: could not be built or not be installed into $CJM_WORK/server" >&2
	exit 1
fi
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
echo "cjm: $("$staged" --version | sed 's/ (.*//') runs with cjm $(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" "$root/cjm.control")" \
	"in $CJM_WORK; what is installed in the system stays as it is" >&2

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
	{ [ -z "${TEMP_CONFIG:-}" ] || as_server sh -c 'cat >>data/postgresql.conf' <"$TEMP_CONFIG"; } &&
	printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${CJM_UNDER:-}" "$bindir/postgres" >"$CJM_WORK/postgres" &&
	chmod 755 "$CJM_WORK/postgres" &&
	as_server "$bindir/pg_ctl" start -w -t 600 -s -p "$CJM_WORK/postgres" -D "$CJM_WORK/data" -l "$CJM_WORK/server.log"
} >"$CJM_WORK/start.log" 2>&1 </dev/null; then
	cat "$CJM_WORK/start.log" "$CJM_WORK/server.log" >&2 2>/dev/null || true
	echo "cjm: could not start a cluster in $CJM_WORK" >&2
	exit 1
fi

export CJM_WORK CJM_USER
export PG_CONFIG=$staged PATH="$bindir:$PATH"
export PGHOST=$CJM_WORK/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
export LC_ALL=C

# At a terminal Ctrl-C is for psql, which ends a query by it and not the session.
if [ "$1" = psql ] && [ -t 0 ]; then
	trap : INT
fi

# In the background, so that a signal to this script alone ends the command at once.
"$@" <&0 &
command=$!
while :; do
	status=0
	wait "$command" || status=$?
	if [ "$status" -le 128 ] || ! kill -0 "$command" 2>/dev/null; then
		break
	fi
done
command=

crash='PANIC|TRAP|was terminated by signal|^==[0-9]+== [A-Z]'
if [ "$status" != 0 ] && grep -E "$crash" "$CJM_WORK/server.log" >/dev/null; then
	echo "The server crashed:" >&2
	grep -E -A 2 "$crash" "$CJM_WORK/server.log" | head -n 20 >&2
fi
exit "$status"
