#!/usr/bin/env bash
# Style, types and direction of imports.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/lint-imports
