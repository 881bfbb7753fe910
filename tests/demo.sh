#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: tests/demo.sh; SBX_BUILD names the build directory (build).
# The main job in one screen, with real programs and their real output. Everything happens in a scratch directory and on
# loopback. Exits 1 if anything is not as promised.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$top" && cd "${SBX_BUILD-build}" && pwd)
umask 022
# Not below /tmp, which a policy may permit (tmppath).
scratch=$(mktemp -d /var/tmp/sbx-demo.XXXXXX)
server=
broken=0

cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	fi
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# The system's programs, whatever else is installed in front of them; no proxy between us and loopback.
PATH=$build:/usr/bin:/bin:/usr/sbin:/sbin
unset http_proxy all_proxy SBX_POLICY
export PATH LC_ALL=C

# Copies, since policies are refused when others may write them, as they may in a checkout made under umask 002.
mkdir "$scratch/www" "$scratch/policies" "$scratch/outside" "$scratch/work"
cp "$top"/conf/*.ini "$scratch/policies/"
chmod 644 "$scratch"/policies/*
echo "Hello from the other end of loopback." >"$scratch/www/hello.txt"
cat >"$scratch/www/primes.py" <<'PYTHON'
import socket, sys
print("primes:", *[n for n in range(2, 40) if all(n % d for d in range(2, n))])
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
    sys.exit(f"cannot call home: {error}")
print("called home")
PYTHON

python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$scratch/www" >"$scratch/log" 2>&1 &
server=$!
port=
tries=100
while [ -z "$port" ]; do
	port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$scratch/log")
	tries=$((tries - 1))
	if [ "$tries" = 0 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "demo: the web server did not start:" >&2
		cat "$scratch/log" >&2
		exit 1
	fi
	[ -n "$port" ] || sleep 0.1
done
url=http://127.0.0.1:$port
cd "$scratch/work"

# show COMMAND: print it as typed, run it, print what it printed. Leaves $output and $status.
show() {
	printf '$ %s\n' "$1"
	status=0
	output=$(sh -c "$1" 2>&1) || status=$?
	if [ -n "$output" ]; then
		printf '%s\n' "$output" | head -n 4 | cut -c 1-100
	fi
}

# verdict WORDS CONDITION…: the condition holds, or the demo fails.
verdict() {
	words=$1
	shift
	if "$@"; then
		printf '  => %s (exit %s)\n\n' "$words" "$status"
	else
		printf '  => NOT AS PROMISED: %s (exit %s)\n\n' "$words" "$status"
		broken=1
	fi
}

fetched() { [ "$status" = 0 ] && [ "$output" = "$(cat "$scratch/www/hello.txt")" ]; }
shadow_refused() { [ "$status" = 37 ] && ! printf '%s' "$output" | grep -q '^root:'; }
upload_refused() { [ "$status" = 23 ] && [ ! -e ../outside/loot ]; }
script_confined() {
	[ "$status" = 1 ] && printf '%s' "$output" | grep -q '^primes: 2 3 5' &&
		printf '%s' "$output" | grep -q 'cannot call home: .*Operation not permitted'
}

# The same without a sandbox must go through, or the refusals above prove nothing.
unconfined_succeeds() {
	status=0
	curl -sS -o ../outside/loot "$url/hello.txt" && [ -e ../outside/loot ] &&
		python3 primes.py "$port" >"$scratch/control" 2>&1 &&
		grep -q '^called home' "$scratch/control" &&
		{ [ "$(id -u)" != 0 ] || curl -sS file:///etc/shadow | grep -q '^root:'; }
}

printf '# curl under the policy that comes with it, conf/curl.ini; we are in an empty directory.\n'
show "sbx-preload -P ../policies/curl.ini curl -sS $url/hello.txt"
verdict "fetched, as the policy permits" fetched

show "sbx-preload -P ../policies/curl.ini curl -sS file:///etc/shadow"
verdict "refused to read a file that is none of its business" shadow_refused

show "sbx-preload -P ../policies/curl.ini curl -sS -o ../outside/loot $url/hello.txt"
verdict "refused to write outside of the current directory" upload_refused

printf '# A script from the network may compute, and read /usr and this directory; it has no promise inet.\n'
show "sbx-preload -P ../policies/curl.ini curl -sS -O $url/primes.py"
show "sbx-preload -p 'stdio rpath' -v /usr -v . python3 primes.py $port"
verdict "it ran, and was kept from the network" script_confined

printf '# The refused commands once more without sbx-preload.\n'
words="they go through, so it was the sandbox that refused"
if [ "$(id -u)" != 0 ]; then
	words="$words; /etc/shadow is for root alone anyway"
fi
verdict "$words" unconfined_succeeds

if [ "$broken" != 0 ]; then
	echo "demo: something is not as promised" >&2
	exit 1
fi
