# shellcheck shell=bash
# Shared by the set-up scripts: where things are, how the user is told, how uv is found. Sourced, never run.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$ROOT"

export DEBIAN_FRONTEND=noninteractive
export UV_PYTHON_DOWNLOADS=never
# The authorities that this machine trusts, such as a company's, count for uv and npm as they do for apt.
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt
if [[ -s "$AUTHORITIES" ]]; then
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$AUTHORITIES}"
fi
# Progress bars are for people: in a log, one sentence a step is enough.
QUIET=()
# shellcheck disable=SC2034  # used by the scripts that source this one
if [[ ! -t 2 ]]; then QUIET=(--quiet); fi
# A Python that another project set up must not leak into ours.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX UV_PROJECT_ENVIRONMENT

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Usage: packages=$(postgresql_packages); the newest PostgreSQL that this distribution offers with PostGIS.
postgresql_packages() {
  local major
  major="$(apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' 2>/dev/null |
    sed -nE 's/^postgresql-([0-9]+)-postgis-3 .*/\1/p' | sort -n | tail -1)"
  if [[ -n "$major" ]]; then
    echo "postgresql-$major postgresql-$major-postgis-3"
  else
    echo "postgresql postgresql-postgis"
  fi
}

has_postgis() {
  compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null &&
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return 0
  local share
  share="$(pg_config --sharedir 2>/dev/null)" && [[ -e "$share/extension/postgis.control" ]]
}

# Usage: python=$(find_python); a Python from 3.11 to 3.13 that really runs (pyenv's shims exist without running).
find_python() {
  local name path
  for name in python3.11 python3.12 python3.13 python3; do
    for path in $(type -ap "$name" || true); do
      "$path" -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14)); ' 2>/dev/null || continue
      "$path" -c 'import sys; print(sys.executable)'
      return 0
    done
  done
  return 1
}

# Sets UV: the one on the PATH, or ours in .tools.
find_uv() {
  UV="$(command -v uv || true)"
  if [[ -n "$UV" ]] && "$UV" --version >/dev/null 2>&1; then return 0; fi
  UV="$ROOT/.tools/bin/uv"
  if "$UV" --version >/dev/null 2>&1; then return 0; fi
  say "Installation de uv, qui installe les bibliothèques Python…"
  rm -rf .tools
  "$PYTHON" -m venv .tools
  local trust=()
  if [[ -s "$AUTHORITIES" && -z "${PIP_CERT:-}" ]] && ! .tools/bin/python -m pip config get global.cert &>/dev/null; then
    trust=(--cert "$AUTHORITIES")
  fi
  .tools/bin/python -m pip install --quiet --disable-pip-version-check "${trust[@]}" uv ||
    fail "uv n'a pas pu être installé : vérifiez l'accès au réseau, puis relancez."
}
