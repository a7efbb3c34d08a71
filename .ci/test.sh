#!/usr/bin/env bash
# The same set-up as the demo, then every check and every test; notebooks are run like tests.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
bash .ci/setup.sh test
bash .ci/lint.sh
exec .venv/bin/python -m pytest tests notebooks --nbmake
