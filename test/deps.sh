#!/usr/bin/env bash
#
# deps.sh [PG_CONFIG [WHAT]]: installs, on Debian and its relatives, what is missing for
#
#   demo    building, and a cluster: PostgreSQL's server, programs and development
#           files, make, a C compiler, perl
#   test    the same; the Perl modules of PostgreSQL's test tools, pg_regress and
#           clang; and if that is possible clang's fuzzer and what drawings are
#           looked at with, a browser, fonts and an XML parser, without which
#           tests are skipped
#   fuzz    the same as for demo; and if that is possible clang and its fuzzer
#   deb     building Debian's packages: what debian/control.in says, of the PostgreSQL
#           versions that this system's packages have
#
# Silent and quick if all is there.  With sudo where the caller is not root;
# where that is not possible it says what is missing and fails.
#
# The PostgreSQL is that of PG_CONFIG.  A pg_config that is not there, or has no
# server, may be that of a client alone: without a word of the caller which
# PostgreSQL is meant, no server is installed beside those that are there.  One
# that is installed is installed without the cluster that Debian makes by default.
#
# CJM_DEPS_ROOT is where / is, for the tests (t/080_deps.pl).
set -euo pipefail

pg_config=${1:-pg_config}
what=${2:-demo}
root=${CJM_DEPS_ROOT:-}
oldest=15						# the first PostgreSQL that cjm is for

missing=()						# packages
lacks=()						# what is to be had by them
major=

say()
{
	printf 'cjm: %s\n' "$*" >&2
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

lack()
{
	local package

	lacks+=("$1")
	shift
	for package; do
		[[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
	done
}

joined()
{
	local text

	text=$(printf ', %s' "$@")
	echo "${text#, }"
}

# The major versions of the servers that Debian's packages have installed, the newest last.
servers()
{
	local file

	for file in "$root"/usr/lib/postgresql/*/bin/initdb; do
		[[ ! -x $file || ! $file =~ /([0-9]+)/bin/initdb$ ]] || echo "${BASH_REMATCH[1]}"
	done | sort -n | while read -r file; do
		[ "$file" -lt "$oldest" ] || echo "$file"
	done
}

# What to type to choose one of these servers.
choices()
{
	local version words=()

	for version in $(servers); do
		words+=("PG_CONFIG=$root/usr/lib/postgresql/$version/bin/pg_config")
	done
	[ ${#words[@]} = 0 ] || joined "${words[@]}"
}

# Nothing that can be installed would help.
give_up()
{
	local choice

	choice=$(choices)
	say "$1"
	say "Choose another PostgreSQL by ${choice:-PG_CONFIG=/path/to/pg_config}"
	exit 1
}

# The major version to install where no pg_config says one: that of its path, of a server that is there, or the distribution's.
wanted_major()
{
	local version

	if [[ $pg_config =~ /postgresql/([0-9]+)/bin/pg_config$ ]]; then
		echo "${BASH_REMATCH[1]}"
		return
	fi
	version=$(servers | tail -n 1)
	[ -n "$version" ] || version=$(apt-cache show --no-all-versions postgresql 2>/dev/null |
		sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p' | head -n 1) || true
	echo "$version"
}

# What of PostgreSQL is not there.
find_postgresql()
{
	local of_pg=() bindir pgxs include sources others program file

	mapfile -t of_pg < <("$pg_config" --version --bindir --pgxs --includedir-server 2>/dev/null || true)
	if [ ${#of_pg[@]} -lt 4 ]; then
		if [[ $pg_config != pg_config && ! $pg_config =~ ^"$root"/usr/lib/postgresql/[0-9]+/bin/pg_config$ ]]; then
			give_up "there is no $pg_config that answers"
		fi
		major=$(wanted_major)
		check_major "the PostgreSQL of this system's packages"
		lack "a PostgreSQL server" "postgresql-${major:-NN}"
		lack "its development files" "postgresql-server-dev-${major:-NN}"
		return
	fi

	[[ ! ${of_pg[0]} =~ [0-9]+ ]] || major=${BASH_REMATCH[0]}
	bindir=${of_pg[1]} pgxs=${of_pg[2]} include=${of_pg[3]}
	sources=${pgxs%/*}/..
	check_major "$pg_config"

	for program in initdb postgres pg_ctl; do
		[ -x "$bindir/$program" ] || lack "$bindir/$program" "postgresql-$major"
	done
	others=$(choices)
	if [ ${#lacks[@]} -gt 0 ] && [ "$pg_config" = pg_config ] && [ -n "$others" ]; then
		give_up "pg_config is that of a PostgreSQL $major without a server"
	fi
	for program in psql pg_config; do
		[ -x "$bindir/$program" ] || lack "$bindir/$program" "postgresql-client-$major"
	done
	for file in "$pgxs" "$include/postgres.h"; do
		[ -e "$file" ] || lack "$file" "postgresql-server-dev-$major"
	done
	if [ "$what" = test ]; then
		for file in "$sources/test/regress/pg_regress" "$sources/test/perl/PostgreSQL/Test/Cluster.pm"; do
			[ -e "$file" ] || lack "${file/makefiles\/..\//}" "postgresql-server-dev-$major"
		done
	fi
	if [ ${#lacks[@]} -gt 0 ] && [[ ! $bindir =~ ^"$root"/usr/lib/postgresql/[0-9]+/bin$ ]]; then
		give_up "the PostgreSQL $major of $(command -v "$pg_config"), which no package of this system has brought, lacks $(joined "${lacks[@]}")"
	fi
	compiler=$(sed -n 's/^CC *= *//p' "$sources/Makefile.global" 2>/dev/null || true)
}

check_major()
{
	if [ -n "$major" ] && [ "$major" -lt "$oldest" ]; then
		give_up "cjm needs PostgreSQL $oldest or later, but $1 is $major"
	fi
}

# What debian/control.in wants for a build, by name, and the tools that build.
find_build_depends()
{
	local package

	while read -r package; do
		package=${package/debhelper-compat/debhelper}
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || lack "$package" "$package"
	done < <(echo build-essential; sed -n 's/^Build-Depends: *//p' "${BASH_SOURCE[0]%/*}/../debian/control.in" | tr ',' '\n' | sed 's/^ *//; s/[ (<].*//')
}

# Sets lacks to what is not there and missing to its packages.
find_missing()
{
	local compiler='' command package

	missing=()
	lacks=()
	hash -r
	if [ "$what" = deb ]; then
		find_build_depends
		return
	fi
	find_postgresql

	have make || lack make make
	[ "$what" != test ] || [ "$compiler" = gcc ] || compiler=${compiler:+$compiler$'\n'}gcc
	while read -r command; do
		package=${command%% *}
		package=${package##*/}
		[[ $package =~ ^(gcc|clang)(-[0-9]+)?$ ]] || package=gcc
		# A command of words, perhaps.
		# shellcheck disable=SC2086
		$command -fsyntax-only -x c - >/dev/null 2>&1 <<<'#include <stdio.h>' ||
			lack "a C compiler ($command)" "$package" libc6-dev
	done <<<"${compiler:-gcc}"
	have perl || lack perl perl
	have gzip || lack gzip gzip
	[ "$what" = test ] || return 0

	# The server's development files bring a clang along on Debian.
	[[ ${missing[*]-} == *server-dev* ]] || have clang || compgen -c clang- >/dev/null || lack clang clang
	perl -MTAP::Harness -MJSON::PP -MTime::HiRes -e 1 >/dev/null 2>&1 || lack "Perl's own modules" perl
	have prove || lack prove perl
	perl -MIPC::Run -e 1 >/dev/null 2>&1 || lack "the Perl module IPC::Run" libipc-run-perl
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

# Whether as_root works, if need be after a question.
can_be_root()
{
	[ "$(id -u)" = 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

# Whether what is good to have, and no more, can be installed: nobody is asked for a password for it.
can_install_quietly()
{
	have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
		install --no-install-recommends "${missing[@]}"
}

# Installs the fuzzer of the clang at hand, or both; it does not matter if that cannot be done.
install_fuzzer()
{
	local clang

	[[ $what == test || $what == fuzz ]] || return 0
	clang=$(command -v clang || compgen -c clang- | grep -x 'clang-[0-9]*' | sort -V | tail -n 1) || true
	if [ -z "$clang" ]; then
		missing=(clang)
		can_install_quietly || return 0
		say "installing ${missing[*]}"
		apt_install >/dev/null 2>&1 && clang=$(command -v clang) || return 0
	fi
	! compgen -G "$("$clang" -print-resource-dir)/lib/*/libclang_rt.fuzzer*" >/dev/null || return 0
	can_install_quietly || return 0
	missing=("libclang-rt-$("$clang" -dumpversion | sed 's/[.].*//')-dev")
	say "installing ${missing[*]}"
	apt_install >/dev/null 2>&1 || true
}

# Installs what drawings are looked at with; without it their tests say so.
install_browser()
{
	local fonts

	[ "$what" = test ] || return 0
	missing=()
	have chromium || missing+=(chromium)
	have xmllint || missing+=(libxml2-utils)
	# Any browser draws Latin; other scripts and emoji need fonts that have them.
	fonts=$(fc-list : family 2>/dev/null || true)
	[[ $fonts == *"Noto Sans Arabic"* ]] || missing+=(fontconfig fonts-noto-core)
	[[ $fonts == *"Noto Sans CJK"* ]] || missing+=(fonts-noto-cjk)
	[[ $fonts == *"Noto Color Emoji"* ]] || missing+=(fonts-noto-color-emoji)
	[ ${#missing[@]} -gt 0 ] || return 0
	can_install_quietly || return 0
	say "installing ${missing[*]}"
	if ! apt_install >/dev/null 2>&1; then
		as_root apt-get -q update >/dev/null 2>&1 || true
		apt_install >/dev/null 2>&1 || say "could not install ${missing[*]}: tests that need them are skipped"
	fi
}

case $what in
	demo | test | fuzz | deb) ;;
	*)
		say "deps.sh looks for what demo, test, fuzz or deb need, not for \"$what\""
		exit 1
		;;
esac

find_missing
if [ ${#missing[@]} = 0 ]; then
	install_fuzzer
	install_browser
	exit 0
fi

if ! have apt-get || ! can_be_root; then
	say "missing: $(joined "${lacks[@]}")"
	say "Debian has it in the packages ${missing[*]}"
	if have apt-get; then
		say "Install them (it takes root, which is not to be had here) and try again."
	else
		say "There is no apt-get here: install what holds it on this system, and try again."
	fi
	exit 1
fi

log=$(mktemp)
no_cluster=
cleanup()
{
	rm -f "$log"
	[ -z "$no_cluster" ] || as_root rm -f "$no_cluster"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [[ ${missing[*]} == *-NN* ]]; then
	say "reading the package lists"
	as_root apt-get -q update >"$log" 2>&1 || true
	find_missing
fi
say "installing ${missing[*]}"

# While the server is being installed, and no longer, Debian's tools are told not to make a cluster.
if [[ " ${missing[*]}" =~ \ postgresql-([0-9]|all) ]]; then
	dir=$root/etc/postgresql-common/createcluster.d
	as_root mkdir -p "$dir"
	no_cluster=$dir/zz-cjm-deps-$$.conf
	echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
fi

if ! apt_install >"$log" 2>&1; then
	as_root apt-get -q update >"$log" 2>&1 || true
	if ! apt_install >>"$log" 2>&1; then
		tail -n 20 "$log" >&2
		say "could not install: ${missing[*]}"
		exit 1
	fi
fi

find_missing
if [ ${#missing[@]} -gt 0 ]; then
	say "still missing after the installation: $(joined "${lacks[@]}")"
	say "If \"$pg_config\" is not the PostgreSQL you mean, choose another with PG_CONFIG=/path/to/pg_config"
	exit 1
fi
install_fuzzer
install_browser
