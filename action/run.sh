#!/usr/bin/env bash
# One verb of aileron-pub in a workflow step. Inputs arrive as INPUT_…, secrets in the variables the tool itself reads.
#
# Nothing here reads a secret, and nothing is put together into shell code: arguments stay words from input to process.
# bash 3.2 (macOS) is enough.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  # Escaped as workflow commands are: a value of an input must not become a command of its own.
  local message=${2//'%'/%25}
  message=${message//$'\r'/%0D}
  printf '::error title=%s::%s\n' "$1" "${message//$'\n'/%0A}" >&2
  exit "${3:-2}"
}

case ${INPUT_COMMAND:-} in
  check | build | pack | plan | release | status | report | verify) ;;
  aegis) [[ -z ${INPUT_VERSION:-} ]] || fail usage_error "aegis takes no version: its verb and all else go into args" ;;
  *) fail usage_error "command must be check, build, pack, plan, release, status, report, verify or aegis, not \"${INPUT_COMMAND:-}\"" ;;
esac

words=(-C "${INPUT_DIRECTORY:-.}" "$INPUT_COMMAND")
version=${INPUT_VERSION:-}
if [[ -z $version ]]; then
  case $INPUT_COMMAND in
    pack | plan | release | status | report)
      # These are about one version; a pushed tag names it. Whether it is SemVer, the tool says.
      if [[ ${GITHUB_REF_TYPE:-} != tag ]]; then
        fail usage_error "$INPUT_COMMAND needs a version: give the input version, or run it on a pushed tag"
      fi
      version=$GITHUB_REF_NAME
      ;;
  esac
fi
if [[ $version == -* ]]; then
  fail usage_error "\"$version\" is not a version"
fi
if [[ -n $version ]]; then
  words+=("$version")
fi
# White space separates, also line breaks; nothing is expanded and no quote means anything.
while read -r -a some; do
  words+=(${some[@]+"${some[@]}"})
done <<<"${INPUT_ARGS:-}"

# Whatever fetches or builds the tool gets no secret of the step.
tool=$(
  for name in $(compgen -e); do
    case $name in
      *TOKEN* | *SECRET* | *KEY* | *PASS* | *CREDENTIAL* | AILERON_*) unset "$name" ;;
    esac
  done
  bash "$here/obtain.sh"
)
exec "$tool" "${words[@]}"
