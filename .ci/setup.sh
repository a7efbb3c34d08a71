#!/usr/bin/env bash
# Installs what is missing and nothing else: system packages, the locked Python environment, the pages' libraries.
# Usage: .ci/setup.sh [test]; "test" adds what the browser tests need. Safe to run again: it then takes a second.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
PURPOSE="${1:-run}"

mkdir -p .make
exec 9>.make/lock
flock 9

missing_packages() {
  if [[ -z "${OBS_DATABASE_URL:-}" || "$PURPOSE" == test ]] && ! has_postgis; then echo POSTGRESQL; fi
  PYTHON="$(find_python || true)"
  if [[ -z "$PYTHON" ]]; then
    echo python3 python3-venv
  elif ! command -v uv >/dev/null && [[ ! -x .tools/bin/uv ]]; then
    # Debian packages Python without ensurepip, which is what makes a virtual environment usable.
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  fi
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
  if [[ "$PURPOSE" == test ]]; then
    command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo chromium
    compgen -G '/usr/share/fonts/truetype/*' >/dev/null || echo fonts-dejavu-core
  fi
}

install_packages() {
  local sudo=() wanted=("$@")
  command -v apt-get >/dev/null ||
    fail "Il manque à cette machine : ${wanted[*]/POSTGRESQL/postgresql, postgis}. Installez-les avec son gestionnaire de paquets, puis relancez."
  if [[ "$(id -u)" -ne 0 ]]; then
    # No question is asked where nobody can answer (no terminal): sudo then has to work without a password.
    local ask=(-n)
    [[ -t 0 && -t 2 ]] && ask=()
    sudo "${ask[@]}" true 2>/dev/null ||
      fail "Il manque des paquets que seul un administrateur peut installer : demandez-lui « apt-get install $(named "${wanted[@]}") », puis relancez."
    sudo=(sudo "${ask[@]}" env DEBIAN_FRONTEND=noninteractive)
  fi
  say "Mise à jour de la liste des paquets…"
  "${sudo[@]}" apt-get update -qq </dev/null 9>&- >.make/apt.log 2>&1 ||
    say "La liste des paquets n'a pas pu être mise à jour (voir .make/apt.log) : essai avec la liste présente."
  local names
  names="$(named "${wanted[@]}")"
  say "Installation des paquets du système : $names…"
  quiet_postgresql on
  # shellcheck disable=SC2086  # a list of names
  # The lock (9) is closed for it: a service that a package starts would otherwise hold it for ever.
  if ! "${sudo[@]}" apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $names \
    </dev/null >>.make/apt.log 2>&1 9>&-; then
    quiet_postgresql off
    tail -5 .make/apt.log >&2
    fail "Les paquets n'ont pas pu être installés : lisez .make/apt.log, ou installez-les avec « apt-get install $names »."
  fi
  quiet_postgresql off
}

named() {
  local name names=()
  for name in "$@"; do
    # shellcheck disable=SC2207  # one or two names
    if [[ "$name" == POSTGRESQL ]]; then names+=($(postgresql_packages)); else names+=("$name"); fi
  done
  echo "${names[*]}"
}

# Debian's package starts a server of its own at once. We need its programs only, so it is asked not to while it installs,
# by a file that goes away afterwards; a PostgreSQL that is here already is left alone.
NO_SERVER=/etc/postgresql-common/createcluster.d/observatoire.conf
quiet_postgresql() {
  if [[ "$1" == on && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    "${sudo[@]}" mkdir -p "${NO_SERVER%/*}"
    echo "create_main_cluster = false" | "${sudo[@]}" tee "$NO_SERVER" >/dev/null
  elif [[ "$1" == off && -e "$NO_SERVER" ]]; then
    "${sudo[@]}" rm -f "$NO_SERVER"
  fi
}

install_python() {
  local stamp
  stamp="$({ echo "$ROOT"; cat requirements.lock pyproject.toml; } | sha256sum)"
  if [[ "$(cat .venv/.observatoire 2>/dev/null)" == "$stamp" ]] && .venv/bin/python -c '' 2>/dev/null &&
    [[ -x .venv/bin/observatory ]]; then
    return 0
  fi
  find_uv
  say "Installation des bibliothèques Python dans .venv : une à trois minutes la première fois…"
  if ! .venv/bin/python -c "import sys; sys.exit(sys.prefix != '$ROOT/.venv')" 2>/dev/null; then
    rm -rf .venv
    "$UV" venv "${QUIET[@]}" --python "$PYTHON" .venv
  fi
  local python=(--python .venv/bin/python)
  if ! "$UV" pip sync "${QUIET[@]}" "${python[@]}" --require-hashes requirements.lock ||
    ! "$UV" pip install "${QUIET[@]}" "${python[@]}" --no-deps --no-build-isolation --editable .; then
    fail "Les bibliothèques Python n'ont pas pu être installées : vérifiez l'accès au réseau et la place sur le disque, puis relancez."
  fi
  echo "$stamp" >.venv/.observatoire
}

install_pages() {
  local stamp
  stamp="$({ cat package-lock.json package.json; } | sha256sum)"
  [[ "$(cat node_modules/.observatoire 2>/dev/null)" == "$stamp" ]] && return 0
  say "Installation des bibliothèques des pages dans node_modules…"
  npm ci --no-audit --no-fund --loglevel=error </dev/null >.make/npm.log 2>&1 || {
    tail -5 .make/npm.log >&2
    fail "Les bibliothèques des pages n'ont pas pu être installées : vérifiez l'accès au réseau (voir .make/npm.log), puis relancez."
  }
  echo "$stamp" >node_modules/.observatoire
}

read -ra MISSING <<<"$(missing_packages | tr '\n' ' ')"
[[ ${#MISSING[@]} -eq 0 ]] || install_packages "${MISSING[@]}"
PYTHON="$(find_python)" || fail "Il faut Python 3.11, 3.12 ou 3.13 : installez-le avec « apt-get install python3 », puis relancez."
install_python
install_pages
