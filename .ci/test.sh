#!/usr/bin/env bash
# The same set-up as the demo, then every check and every test; notebooks are run like tests.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
bash .ci/setup.sh test
bash .ci/lint.sh
# One process a core, each with a database of its own; a file's tests stay together, since they share what is slow to make.
exec .venv/bin/python -m pytest tests notebooks --nbmake -n "$(nproc)" --maxprocesses 4 --dist loadfile
