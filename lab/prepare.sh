# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by ./check, ./demo and bench/run: from a bare Debian machine to a built tree. Says what it
# does. Everything it builds is below build/.

top=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
build=$top/build

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

to_build="autoconf automake gcc libc6-dev make pkg-config libcap-ng-dev libcmocka-dev libcurl4-openssl-dev
	libev-dev libjson-c-dev libmnl-dev libnftables-dev libnl-route-3-dev libpcre2-dev
	libseccomp-dev libssl-dev libsystemd-dev xz-utils"
to_run="busybox curl dnsmasq-base frr haproxy iproute2 iptables ipvsadm keepalived kmod libnftables1 libnl-route-3-200 nftables nginx-light
	openssl procps python3 python3-aiosmtpd python3-grpcio snmpd systemd util-linux"

has_ip_vs() { [ -e /proc/net/ip_vs ] || { [ "$(id -u)" = 0 ] && modprobe -q ip_vs 2>/dev/null; }; }

packages_missing() {
	local p guest="user-mode-linux qemu-system-x86"
	if has_ip_vs; then guest=; fi
	for p in $to_build $to_run $guest; do
		case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
		*" installed") ;;
		*) echo "$p" ;;
		esac
	done
}

# keepalived and nginx would start as services: a policy forbids it while we install.
packages_install() {
	local root= policy=/usr/sbin/policy-rc.d ours= rc
	[ "$(id -u)" = 0 ] || root=sudo
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
		$root chmod +x $policy
		ours=yes
		trap '$root rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	{
		$root apt-get -q update &&
			DEBIAN_FRONTEND=noninteractive $root apt-get -q -y install --no-install-recommends "$@"
	} >"$build/apt.log" 2>&1
	rc=$?
	if [ -n "$ours" ]; then
		$root rm -f $policy
		trap - EXIT
	fi
	[ $rc = 0 ] || { tail -5 "$build/apt.log" >&2; fail "could not install $*"; }
}

prepare_packages() {
	local missing
	mkdir -p "$build"
	if ! command -v dpkg-query >/dev/null; then
		say "Not a Debian system: I take it that these are installed in some form:" $to_build $to_run
		return
	fi
	missing=$(packages_missing | tr '\n' ' ')
	[ -n "$missing" ] || return
	say "Installing from the distribution's packages: $missing"
	# shellcheck disable=SC2086
	packages_install $missing
}

# build_tree NAME [configure's arguments] -- [make's goals]
build_tree() {
	local name=$1 dir=$build/$1 log=$build/$1.log args=() t0=$SECONDS
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do args+=("$1"); shift; done
	shift
	mkdir -p "$dir"
	{
		[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi)
	} >"$log" 2>&1 &&
		cd "$dir" &&
		{ [ -e Makefile ] || "$top/configure" -q "${args[@]}"; } >>"$log" 2>&1 &&
		make -j"$(nproc)" "$@" >>"$log" 2>&1
	local rc=$?
	cd "$top" || exit 2
	if [ $rc != 0 ]; then
		grep -E 'error|Error' "$log" | tail -20 >&2
		say "The build failed; all of it is in $log" >&2
		return 1
	fi
	say "Built in $dir in $((SECONDS - t0)) s"
}

# The programs as `make install` puts them, below build/root; and the lab's variables.
prepare_build() {
	build_tree plain --enable-werror -- all || return
	rm -rf "$build/root"
	make -C "$build/plain" install DESTDIR="$build/root" >>"$build/plain.log" 2>&1 || {
		tail -5 "$build/plain.log" >&2
		return 1
	}
}

lab_env=(-e "TANDEM_BUILD=$build/plain" -e "TANDEM_ROOT=$build/root")
