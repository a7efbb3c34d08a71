#!/usr/bin/env bash
# Locks the versions: hashes and no addresses, so that any index can serve them (docs/adr/0001-requirements-lock.md).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
PYTHON="$(find_python)" || fail "Il faut Python 3.11, 3.12 ou 3.13."
find_uv
"$UV" pip compile pyproject.toml --extra cluster --group dev --universal --generate-hashes --no-header --no-annotate \
  --python "$PYTHON" --quiet "$@" --output-file requirements.lock
npm install --package-lock-only --no-audit --no-fund --loglevel=error
