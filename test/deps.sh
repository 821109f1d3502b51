#!/usr/bin/env bash
#
# deps.sh [PG_CONFIG [browser]]: installs what building, testing and the demo need, on
# Debian and its relatives: PostgreSQL with its development files, a C compiler,
# clang, the Perl modules of PostgreSQL's test tools and, if that is possible,
# clang's fuzzer, without which fuzzing is skipped.  With "browser" also what
# drawings are looked at with, a browser, fonts and an XML parser; without them
# these tests are skipped, too.
#
# Silent and quick if all is there.  With sudo where the caller is not root;
# where that is not possible it names the packages and fails.
#
# A PostgreSQL server that it installs is installed without the cluster that
# Debian makes by default; a server that is there already is left alone.
set -euo pipefail

pg_config=${1:-pg_config}
wanted=${2:-}
missing=()

say()
{
	printf 'cjm: %s\n' "$*" >&2
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# The major version to install where there is no pg_config yet: that of its path or the distribution's.
wanted_major()
{
	if [[ $pg_config =~ /postgresql/([0-9]+)/ ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		apt-cache show --no-all-versions postgresql 2>/dev/null |
			sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p' | head -n 1
	fi
}

# Sets missing to the packages whose files are not there.
find_missing()
{
	local major

	missing=()
	if have "$pg_config"; then
		major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
		[ -x "$("$pg_config" --bindir)/initdb" ] || missing+=("postgresql-$major")
		[ -e "$("$pg_config" --pgxs)" ] || missing+=("postgresql-server-dev-$major")
	else
		major=$(wanted_major)
		missing+=("postgresql-${major:-NN}" "postgresql-server-dev-${major:-NN}")
	fi

	have make || missing+=(make)
	echo '#include <stdio.h>' | gcc -fsyntax-only -x c - >/dev/null 2>&1 || missing+=(gcc libc6-dev)
	# The server's development files bring one along on Debian.
	[[ ${missing[*]-} == *server-dev* ]] || have clang || compgen -c clang- >/dev/null || missing+=(clang)
	have prove || missing+=(perl)
	perl -MIPC::Run -e 1 >/dev/null 2>&1 || missing+=(libipc-run-perl)
	have gzip || missing+=(gzip)
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

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
		install --no-install-recommends "${missing[@]}"
}

# Installs the fuzzer of the clang at hand; it does not matter if that cannot be done.
install_fuzzer()
{
	local clang

	clang=$(command -v clang || compgen -c clang- | grep -x 'clang-[0-9]*' | sort -V | tail -n 1) || return 0
	[ -n "$clang" ] || return 0
	! compgen -G "$("$clang" -print-resource-dir)/lib/*/libclang_rt.fuzzer*" >/dev/null || return 0
	have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; } || return 0
	missing=("libclang-rt-$("$clang" -dumpversion | sed 's/[.].*//')-dev")
	say "installing ${missing[*]}"
	apt_install >/dev/null 2>&1 || true
}

# Installs what drawings are looked at with; without it their tests say so.
install_browser()
{
	local fonts

	[ "$wanted" = browser ] || return 0
	missing=()
	have chromium || missing+=(chromium)
	have xmllint || missing+=(libxml2-utils)
	# Any browser draws Latin; other scripts and emoji need fonts that have them.
	fonts=$(fc-list : family 2>/dev/null || true)
	[[ $fonts == *"Noto Sans Arabic"* ]] || missing+=(fontconfig fonts-noto-core)
	[[ $fonts == *"Noto Sans CJK"* ]] || missing+=(fonts-noto-cjk)
	[[ $fonts == *"Noto Color Emoji"* ]] || missing+=(fonts-noto-color-emoji)
	[ ${#missing[@]} -gt 0 ] || return 0
	have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; } || return 0
	say "installing ${missing[*]}"
	if ! apt_install >/dev/null 2>&1; then
		as_root apt-get -q update >/dev/null 2>&1 || true
		apt_install >/dev/null 2>&1 || say "could not install ${missing[*]}: tests that need them are skipped"
	fi
}

find_missing
if [ ${#missing[@]} = 0 ]; then
	install_fuzzer
	install_browser
	exit 0
fi

if ! have apt-get || { [ "$(id -u)" != 0 ] && ! have sudo; }; then
	say "these Debian packages are missing, or what they hold: ${missing[*]}"
	say "Install them (it takes root, which is not to be had here) and try again."
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
if [[ " ${missing[*]}" =~ \ postgresql-[0-9] ]]; then
	dir=/etc/postgresql-common/createcluster.d
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
	say "still missing after the installation: ${missing[*]}"
	say "If \"$pg_config\" is not the PostgreSQL you mean, choose another with PG_CONFIG=/path/to/pg_config"
	exit 1
fi
install_fuzzer
install_browser
