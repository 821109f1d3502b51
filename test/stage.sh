#!/usr/bin/env bash
#
# stage.sh DIR [EXTENSION]: makes, in the directory DIR, a PostgreSQL that
# extensions can be installed into without changing the one that is installed,
# and prints the path of its pg_config.
#
# It is that of PG_CONFIG.  PostgreSQL finds its files by the way from where its
# programs were built to be to where they are, links followed: so the programs
# are copied, each to DIR and its own path, and all else there are links.  The
# folders that an extension's "make install" writes into are folders, not
# links, and "make install DESTDIR=DIR" of the installed PostgreSQL is the same
# as "make install" of this one.
#
# EXTENSION is left out, in all its versions.
set -euo pipefail
umask 022

mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
extension=${2:-}
pg_config=${PG_CONFIG:-pg_config}

where()
{
	"$pg_config" "--$1"
}

# A folder of links to what the one of this path holds, but for what is there already.
link_into()
{
	local file name files=()

	mkdir -p "$dir$1"
	for file in "$1"/*; do
		name=${file##*/}
		if [ -n "$extension" ]; then
			case $name in "$extension" | "$extension".* | "$extension"--*) continue ;; esac
		fi
		if [ -e "$file" ] && [ ! -e "$dir$file" ]; then
			files+=("$file")
		fi
	done
	[ ${#files[@]} = 0 ] || ln -s "${files[@]}" "$dir$1/"
}

bindir=$(where bindir)
sharedir=$(where sharedir)
pkglibdir=$(where pkglibdir)

# The programs of PostgreSQL, by name: their folder may be one that others share.
programs=()
for name in postgres initdb psql pgbench createdb dropdb createuser dropuser clusterdb reindexdb vacuumdb "$bindir"/pg_*; do
	name=$bindir/${name##*/}
	if [ -x "$name" ] && [ ! -d "$name" ]; then
		programs+=("$name")
	fi
done
mkdir -p "$dir$bindir"
[ ${#programs[@]} = 0 ] || cp "${programs[@]}" "$dir$bindir/"

# From the inside to the outside.
for folder in "$pkglibdir/bitcode" "$pkglibdir" "$sharedir/extension" "$sharedir"; do
	[ ! -d "$folder" ] || link_into "$folder"
done

# What is only read.  One that holds folders of those above is a folder, too.
for folder in "$(where libdir)" "$(where includedir)" "$(where pkgincludedir)" "$(where includedir-server)" "$(where localedir)"; do
	if [ -d "$dir$folder" ]; then
		link_into "$folder"
	elif [ -d "$folder" ]; then
		mkdir -p "$dir${folder%/*}"
		ln -s "$folder" "$dir$folder"
	fi
done

# One that goes by other rules must not be taken for a copy.
staged=$dir$bindir/pg_config
if [ "$("$staged" --sharedir 2>/dev/null)" != "$dir$sharedir" ] || [ "$("$staged" --pkglibdir)" != "$dir$pkglibdir" ]; then
	echo "cjm: the PostgreSQL of $pg_config does not run from another place than its own" >&2
	exit 1
fi
echo "$staged"
