#!/usr/bin/env bash
# Usage: .ci/demo.sh PORT; installs, prepares the figures, serves them in the foreground until Ctrl+C.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
PORT="${1:-8000}"

[[ "$PORT" =~ ^[1-9][0-9]{0,4}$ && "$PORT" -le 65535 ]] ||
  fail "« $PORT » n'est pas un numéro de port : donnez un nombre de 1 à 65535, par exemple « make demo PORT=8123 »."
# Asked of the port before the long work starts; the server checks again when it opens it.
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
  fail "Le port $PORT est déjà pris par un autre programme : arrêtez-le, ou choisissez-en un autre avec « make demo PORT=$((PORT < 65535 ? PORT + 1 : 8000)) »."
fi
bash .ci/setup.sh
exec .venv/bin/observatory serve --port "$PORT" --prepare
