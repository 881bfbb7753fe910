#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: tests/setup.sh build|demo|check|lint
# Sees to it that what a make target needs is there. As root on a machine with apt-get it installs what is missing, and
# only that; otherwise it names the packages and exits 1. When nothing is missing it is silent, quick and offline.
#
# What counts is the file, not the package: a library or tool that came another way is as good. Programs that the tests
# confine must lie where Debian puts them, though, since the shipped policies name those paths.
set -eu

missing=

# need PACKAGE COMMAND…: PACKAGE is missing unless COMMAND succeeds.
need() {
	package=$1
	shift
	if ! "$@"; then
		missing="$missing $package"
	fi
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# exists PATH…: one of them does. Callers pass globs; one without a match stays as it is and names nothing.
exists() {
	for path; do
		if [ -e "$path" ]; then
			return 0
		fi
	done
	return 1
}

# library MODULE HEADER: pkg-config knows it, or there is no pkg-config yet and the header is there.
library() {
	if have pkg-config; then
		pkg-config --exists "$1"
	else
		exists "/usr/include/$2" "/usr/local/include/$2"
	fi
}

needs_build() {
	need pkg-config have pkg-config
	need libseccomp-dev library libseccomp seccomp.h
	need libinih-dev library inih ini.h
	need libjansson-dev library jansson jansson.h
}

needs_demo() {
	needs_build
	need curl exists /usr/bin/curl
	# python3-minimal has the interpreter, but no http.server.
	need python3 exists /usr/lib/python3*/http/server.py
}

needs_clang() {
	need clang have clang
	need libclang-rt-dev exists /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan*.a \
		/usr/lib/clang/*/lib/linux/libclang_rt.asan*.a \
		/usr/lib/clang/*/lib/*/libclang_rt.asan*.a
}

needs_check() {
	needs_demo
	need libcriterion-dev library criterion criterion/criterion.h
	need strace exists /usr/bin/strace
	need musl-tools exists /usr/bin/musl-gcc
	need libcap2-bin exists /usr/sbin/setcap /sbin/setcap
	needs_clang
	# The programs that the live tests confine.
	need nginx-light exists /usr/sbin/nginx
	need redis-server exists /usr/bin/redis-server
	need wget exists /usr/bin/wget
	need git exists /usr/bin/git
	need sqlite3 exists /usr/bin/sqlite3
	need openssl exists /usr/bin/openssl
	need nodejs exists /usr/bin/node
	need imagemagick exists /usr/bin/convert
	need man-db exists /usr/bin/man
	need less exists /usr/bin/less
	need netcat-openbsd exists /usr/bin/nc
	need perl exists /usr/bin/perl
	need bubblewrap exists /usr/bin/bwrap
	# systemd-analyze, which verifies units; nothing of it is started.
	need systemd exists /usr/bin/systemd-analyze
	need xz-utils exists /usr/bin/xz
	need procps exists /usr/bin/ps
	# A Go program that is linked dynamically.
	need fzf exists /usr/bin/fzf
}

needs_lint() {
	needs_build
	need libcriterion-dev library criterion criterion/criterion.h
	needs_clang
	need clang-format have clang-format
	need clang-tidy have clang-tidy
	need cppcheck have cppcheck
	if [ "$(uname -m)" != aarch64 ]; then
		need gcc-aarch64-linux-gnu have aarch64-linux-gnu-gcc
		need libc6-dev-arm64-cross exists /usr/aarch64-linux-gnu/include/stdio.h
	fi
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -y -q \
		--no-install-recommends install "$@" >>"$log" 2>&1
}

# The package lists are fetched only when what is there does not do: none yet, or so old that files are gone.
install_packages() {
	if ! apt_install "$@"; then
		apt-get -q update >>"$log" 2>&1 && apt_install "$@"
	fi
}

# Debian starts and enables a service when its package is installed. We want the programs, not a web server on port 80:
# the units are masked until the next boot while apt runs, then disabled, as if the administrator had done so.
hold_services() {
	held=
	if [ ! -d /run/systemd/system ]; then
		return
	fi
	for package; do
		case $package in
		nginx-light) held="$held nginx.service" ;;
		redis-server) held="$held redis-server.service" ;;
		esac
	done
	if [ -n "$held" ]; then
		# shellcheck disable=SC2086 # a list of words
		if ! systemctl --quiet --runtime mask $held >>"$log" 2>&1; then
			echo "setup: cannot keep$held from starting; install$missing by hand" >&2
			exit 1
		fi
	fi
}

release_services() {
	if [ -n "$held" ]; then
		# shellcheck disable=SC2086 # a list of words
		systemctl --quiet --runtime unmask $held >>"$log" 2>&1 || :
		# shellcheck disable=SC2086
		systemctl --quiet disable $held >>"$log" 2>&1 || :
	fi
}

case ${1-} in
build) needs_build ;;
demo) needs_demo ;;
check) needs_check ;;
lint) needs_lint ;;
*)
	echo "usage: tests/setup.sh build|demo|check|lint" >&2
	exit 2
	;;
esac

if [ -z "$missing" ]; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! have apt-get; then
	echo "setup: missing for this target:$missing; on Debian, as root:" \
		"apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words
set -- $missing
hold_services "$@"
status=0
install_packages "$@" || status=$?
release_services
if [ "$status" != 0 ]; then
	tail -n 15 "$log" >&2
	echo "setup: apt-get could not install$missing" >&2
	exit 1
fi
