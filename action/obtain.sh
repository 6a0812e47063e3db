#!/usr/bin/env bash
# Finds an aileron-pub and prints its path: the `binary` input, a released one, or one built from this action's own tree.
#
# A released binary is run only if its digest stands in the checksums.txt of exactly that version, and checksums.txt is
# signed by the release key, whose public half (release.pub) lies beside this file and whose fingerprint stands here. Whoever
# pins this action by commit pins both. Only "there is no release key yet" and "there is no such release" lead to building from
# source; every doubt ends the step.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

readonly HOME_URL=https://github.com/aileron-pub/aileron-pub
# Empty until a maintainer has made a key: .github/CONTRIBUTING.md, "The release key". It comes and goes with release.pub.
readonly RELEASE_KEY=

say() { printf '%s\n' "$*" >&2; }

fail() {
  local message=${2//'%'/%25}
  message=${message//$'\r'/%0D}
  printf '::error title=%s::%s\n' "$1" "${message//$'\n'/%0A}" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || fail "$1 is missing" "this machine has no $1; install it, or give the input binary"
}

from_source() {
  local root=${RUNNER_TEMP:?}/aileron-pub-source
  need cargo
  say "building aileron-pub from the source this action came with"
  cargo install --quiet --locked --path "$here/../cli" --bin aileron-pub --root "$root" >&2
  printf '%s\n' "$root/bin/aileron-pub$suffix"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# The fingerprint as every Aileron tool prints it: the first 22 characters of base64(sha256(the raw key)).
fingerprint() {
  openssl pkey -pubin -in "$1" -outform DER | tail -c 32 | openssl dgst -sha256 -binary | openssl base64 -A | cut -c 1-22 |
    sed 's/^/sha256:/'
}

# Saves one file of the release. 0, or 4 where there is no such file; anything else ends the step.
fetch() {
  local status
  status=$(curl --silent --show-error --location --proto-redir '=https' --retry 3 --max-time 300 \
    --output "$2" --write-out '%{http_code}' "$1") || fail "cannot fetch aileron-pub" "$1: curl failed"
  case $status in
    200) return 0 ;;
    404) return 4 ;;
    *) fail "cannot fetch aileron-pub" "$1 answered $status" ;;
  esac
}

released() {
  local version=$1 at=$HOME_URL/releases/download/v$1 dir=${RUNNER_TEMP:?}/aileron-pub-$1 name want found
  name=aileron-pub-$version-$target$suffix
  need curl
  need openssl
  found=$(fingerprint "$here/release.pub")
  if [[ $found != "$RELEASE_KEY" ]]; then
    fail "the release key is not the pinned one" "release.pub is $found, pinned is $RELEASE_KEY"
  fi
  mkdir -p "$dir"
  fetch "$at/checksums.txt" "$dir/checksums.txt" || return 4
  fetch "$at/checksums.txt.sig" "$dir/checksums.txt.sig" || fail "cannot trust this release" "$at has no checksums.txt.sig"
  openssl pkeyutl -verify -pubin -inkey "$here/release.pub" -rawin -in "$dir/checksums.txt" \
    -sigfile "$dir/checksums.txt.sig" >&2 ||
    fail "cannot trust this release" "checksums.txt of v$version is not signed by the release key $RELEASE_KEY"
  # Names hold the version: an older release under this tag has none that fits.
  want=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$dir/checksums.txt")
  [[ $want =~ ^[0-9a-f]{64}$ ]] || fail "no aileron-pub for this machine" "v$version has no $name; give tool-version: source"
  fetch "$at/$name" "$dir/$name" || fail "no aileron-pub for this machine" "$at has no $name; give tool-version: source"
  found=$(sha256 "$dir/$name")
  if [[ $found != "$want" ]]; then
    fail "cannot trust this release" "$name has sha256 $found, checksums.txt says $want"
  fi
  chmod +x "$dir/$name"
  say "aileron-pub $version, signed by $RELEASE_KEY"
  printf '%s\n' "$dir/$name"
}

suffix=
case ${RUNNER_OS:-Linux}-${RUNNER_ARCH:-X64} in
  Linux-X64) target=x86_64-unknown-linux-gnu ;;
  Linux-ARM64) target=aarch64-unknown-linux-gnu ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc suffix=.exe ;;
  *) target=unknown ;;
esac

if [[ -n ${INPUT_BINARY:-} ]]; then
  [[ -f $INPUT_BINARY && -x $INPUT_BINARY ]] || fail usage_error "binary: \"$INPUT_BINARY\" is no program"
  # Relative to where the step runs, as any path of a workflow; a bare name is a file here, not something in PATH.
  printf '%s\n' "$(cd "$(dirname "$INPUT_BINARY")" && pwd)/$(basename "$INPUT_BINARY")"
  exit
fi
wanted=${INPUT_TOOL_VERSION:-}
case $wanted in
  source)
    from_source
    exit
    ;;
  '') version=$(sed -n 's/^version = "\([^"]*\)"$/\1/p' "$here/../Cargo.toml" | head -n 1) ;;
  *) version=${wanted#v} ;;
esac
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
  fail usage_error "tool-version must be a version, as in v0.1.0, or source; it is \"$wanted\""
if [[ -z $RELEASE_KEY && ! -e $here/release.pub ]]; then
  if [[ -n $wanted ]]; then
    fail "there is no release key" "this action knows no release key yet, so it trusts no released aileron-pub; give tool-version: source"
  fi
  say "there is no release key yet, so no released aileron-pub is trusted"
  from_source
  exit
fi
if [[ -z $RELEASE_KEY || ! -e $here/release.pub ]]; then
  fail "the release key is not the pinned one" "release.pub and its fingerprint in obtain.sh come and go together"
fi
# Called where a failure is looked at, bash does not stop by itself: every check in there ends the step in words.
if released "$version"; then
  exit
fi
if [[ -n $wanted ]]; then
  fail "cannot fetch aileron-pub" "$HOME_URL has no release v$version"
fi
from_source
