#!/bin/bash
# Installs Emscripten 3.1.69 (clang 19, binaryen 120) into a private folder on Debian 12 or Ubuntu amd64.
#
#   usage: scripts/toolchain.sh [PREFIX]        (default .toolchain); then: . PREFIX/env.sh; emcc ...
#
# Packages come from the Debian mirror that this machine uses. apt keeps its state inside PREFIX, so it checks every
# signature and hash, writes nothing elsewhere and needs no root. On other systems, install emsdk 3.1.69 or newer and
# put `emcc` on PATH; scripts/build.mjs then uses it.
set -euo pipefail
PREFIX=${1:-.toolchain}
SUITE=trixie LLVM=19
mkdir -p "$PREFIX"; PREFIX=$(cd "$PREFIX" && pwd)
STAMP=$PREFIX/.done
if [ -e "$STAMP" ]; then echo "already installed: $PREFIX"; exit 0; fi
T0=$SECONDS; say() { echo "[$((SECONDS-T0))s] $*"; }
NODE=$(command -v node || true); [ -n "$NODE" ] || { echo "node >= 20 is needed" >&2; exit 1; }
PY=/usr/bin/python3; [ -x $PY ] || PY=$(command -v python3)
for t in apt-get dpkg-deb tar; do command -v $t >/dev/null || {
  echo "$t is missing: this script is for Debian and Ubuntu; elsewhere install emsdk 3.1.69 or newer and put emcc on PATH" >&2; exit 1; }; done

# --- 1. Two private apt states. The first has the machine's own suites and its dpkg status, so that apt finds out what is
#        missing. The second has the newer suite and an empty status.
URI=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$URI" ] || URI=$(awk '/^deb /{for(i=2;i<=NF;i++) if($i ~ /:\/\//){print $i; exit}}' /etc/apt/sources.list)
KEY=/usr/share/keyrings/debian-archive-keyring.gpg
A=$PREFIX/apt; mkdir -p "$A"/new/{lists/partial,parts,debs/partial} "$A"/own/{lists/partial,debs/partial}
: > "$A/new/status"; echo "deb [signed-by=$KEY] $URI $SUITE main" > "$A/new/sources.list"
cat > "$A/new/apt.conf" <<X
Dir::Etc::sourcelist "$A/new/sources.list"; Dir::Etc::sourceparts "$A/new/parts"; Dir::Etc::preferencesparts "$A/new/parts";
Dir::State::lists "$A/new/lists"; Dir::State::status "$A/new/status"; Dir::Cache "$A/new"; Dir::Cache::archives "$A/new/debs";
APT::Architecture "amd64"; APT::Sandbox::User "root"; Acquire::Retries "5"; Acquire::Languages "none"; Debug::NoLocking "1";
X
cat > "$A/own/apt.conf" <<X
Dir::State::lists "$A/own/lists"; Dir::Cache "$A/own"; Dir::Cache::archives "$A/own/debs";
APT::Architecture "amd64"; APT::Sandbox::User "root"; Acquire::Retries "5"; Acquire::Languages "none"; Debug::NoLocking "1";
APT::Install-Recommends "false";
X
APT_CONFIG=$A/new/apt.conf apt-get -qq update & P1=$!
APT_CONFIG=$A/own/apt.conf apt-get -qq update & P2=$!
wait $P1; wait $P2
say "package lists"

# --- 2. Download.
( cd "$A/new/debs"; APT_CONFIG=$A/new/apt.conf apt-get -qq download emscripten binaryen node-acorn libc6 libstdc++6 libgcc-s1 ) & P1=$!
# clang and those of its libraries that this machine lacks. apt only resolves and downloads them.
( APT_CONFIG=$A/own/apt.conf apt-get -qq -y --download-only install clang-$LLVM lld-$LLVM llvm-$LLVM >/dev/null
  # If clang is already installed, nothing is downloaded. Step 3 then uses the installed one.
) & P2=$!
wait $P1; wait $P2
say "downloads: $(du -ch "$A"/*/debs/*.deb | tail -1 | cut -f1)"

# --- 3. Unpack.
rm -rf "$PREFIX/llvm" "$PREFIX/rt" "$PREFIX/emscripten" "$PREFIX/bin" "$PREFIX/tmp"
mkdir -p "$PREFIX"/{llvm,rt,bin,tmp}
( if ls "$A"/own/debs/clang-${LLVM}_*.deb >/dev/null 2>&1; then
    rm -f "$A"/own/debs/libclang1-*.deb
    for d in "$A"/own/debs/*.deb; do
      case $(basename "$d") in   # of the dependencies, only run-time libraries; never a libc, a compiler or headers
        clang-$LLVM*|lld-$LLVM*|llvm-$LLVM*|libclang-common-$LLVM-dev*|libclang-cpp*|libllvm*) ;;
        libc6*|libc-*|*-dev_*|libgcc-*|libstdc++*) continue ;;
        lib*) ;;
        *) continue ;;
      esac
      dpkg-deb --fsys-tarfile "$d" | tar -x -C "$PREFIX/llvm" \
        --exclude=./usr/share --exclude='./usr/lib/llvm-*/lib/LLVM*.so' --exclude='./usr/lib/python3*' \
        --exclude='./usr/lib/llvm-??/include' --exclude='*/bin/llvm-exegesis' --exclude='*/bin/*2yaml' --exclude='*/bin/yaml2*' \
        --exclude='*/bin/llvm-*tblgen' --exclude='*/bin/ll*jit*' --exclude='*/bin/lli*'; done
    ln -sf ../../x86_64-linux-gnu/libLLVM.so.$LLVM.1 "$PREFIX/llvm/usr/lib/llvm-$LLVM/lib/libLLVM.so.$LLVM.1"
  else ln -sfn /usr "$PREFIX/llvm/usr"; fi ) & P1=$!
for d in "$A"/new/debs/{binaryen,libc6,libstdc++6,libgcc-s1,node-acorn}_*.deb; do
  dpkg-deb --fsys-tarfile "$d" | tar -x -C "$PREFIX/rt"
done
# Of trixie's 1.6 GB of built system libraries, keep plain and -mt, but no lto, pic, asan, GL or wasm-worker variants.
dpkg-deb --fsys-tarfile "$A"/new/debs/emscripten_*.deb | tar -x -C "$PREFIX/tmp" \
  --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/emscripten/test \
  --exclude='*/cache/sysroot/lib/wasm32-emscripten/lto*' --exclude='*/cache/sysroot/lib/wasm32-emscripten/pic' \
  --exclude='*/cache/*-asan*' --exclude='*/cache/*-ww*' --exclude='*/cache/*libGL*-e*' --exclude='*/cache/*libGL*-full*' --exclude='*/cache/*libGL*-ofb*' --exclude='*/cache/*libGL*-webgl*' \
  --exclude='*/cache/*libwasmfs-*' --exclude='*/cache/*sanitizer*' --exclude='*/cache/*libasan*' --exclude='*/cache/*san_rt*'
mv "$PREFIX/tmp/usr/share/emscripten" "$PREFIX/emscripten"; rm -rf "$PREFIX/tmp"
wait $P1
mkdir -p "$PREFIX/emscripten/node_modules"
rm -rf "$PREFIX"/emscripten/node_modules/acorn*; cp -a "$PREFIX"/rt/usr/share/nodejs/acorn* "$PREFIX/emscripten/node_modules/"
say "unpacked"

# --- 4. binaryen with its own ld.so, because it needs a newer libc than bookworm's.
RL=$PREFIX/rt/usr/lib/x86_64-linux-gnu
for t in "$PREFIX"/rt/usr/bin/wasm*; do n=$(basename "$t")
  printf '#!/bin/sh\nexec "%s/ld-linux-x86-64.so.2" --library-path "%s" --argv0 "%s" "%s" "$@"\n' "$RL" "$RL" "$n" "$t" > "$PREFIX/bin/$n"
  chmod +x "$PREFIX/bin/$n"
done
LL=$PREFIX/llvm/usr/lib/llvm-$LLVM/bin
# If libraries were missing on this machine, they are in llvm/. Wrappers that name them then start clang and its tools.
MISSING=$(ldd "$LL/clang" "$LL/lld" "$LL/llvm-ar" 2>/dev/null || true)
case $MISSING in *'not found'*)
  mkdir -p "$PREFIX/llvmbin"; LIBS=$PREFIX/llvm/usr/lib/x86_64-linux-gnu:$PREFIX/llvm/lib/x86_64-linux-gnu
  STILL=$(LD_LIBRARY_PATH=$LIBS ldd "$LL/clang" "$LL/lld" "$LL/llvm-ar" | grep 'not found' || true)
  [ -z "$STILL" ] || { echo "missing libraries: $STILL" >&2; exit 1; }
  for t in "$LL"/*; do n=$(basename "$t"); printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s"\nexec "%s" "$@"\n' "$LIBS" "$t" > "$PREFIX/llvmbin/$n"; chmod +x "$PREFIX/llvmbin/$n"; done
  LL=$PREFIX/llvmbin ;;
esac

# --- 5. Configuration.
cat > "$PREFIX/emscripten/.emscripten" <<X
LLVM_ROOT = '$LL'
BINARYEN_ROOT = '$PREFIX'
NODE_JS = '$NODE'
CACHE = '$PREFIX/emscripten/cache'
X
# The version check accepts only the clang with which Debian built the package.
sed -i -E "s/^EXPECTED_LLVM_VERSION = .*/EXPECTED_LLVM_VERSION = $LLVM/" "$PREFIX/emscripten/tools/shared.py"
cat > "$PREFIX/env.sh" <<X
export EM_CONFIG='$PREFIX/emscripten/.emscripten' EMSDK_PYTHON='$PY'
export EMSCRIPTEN_TOOLCHAIN='$PREFIX/emscripten/cmake/Modules/Platform/Emscripten.cmake'
case ":\$PATH:" in *":$PREFIX/emscripten:"*) ;; *) export PATH='$PREFIX/emscripten':"\$PATH" ;; esac
X
# The project's package.json says "type": "module", which must not apply to Emscripten's own scripts.
echo '{ "type": "commonjs" }' > "$PREFIX/emscripten/package.json"
rm -rf "$A"
say "configured; $(du -sh "$PREFIX" | cut -f1)"

# --- 6. Check the system libraries, plain and -mt: compile a program and run it in Node.
. "$PREFIX/env.sh"
D=$PREFIX/selftest; mkdir -p "$D"
cat > "$D/t.c" <<'X'
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <wasm_simd128.h>
#ifdef __EMSCRIPTEN_PTHREADS__
#include <pthread.h>
static void *run(void *p) { *(int *)p = 42; return p; }
#endif
int main(int argc, char **argv) {
  (void)argv;
  v128_t a = wasm_f32x4_splat((float)argc), c = wasm_f32x4_relaxed_madd(a, a, a);
  v128_t d = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_i8x16_splat((signed char)-3), wasm_i8x16_splat((signed char)argc), wasm_i32x4_splat(1));
  int r = 42;
#ifdef __EMSCRIPTEN_PTHREADS__
  pthread_t t; r = 0; if (pthread_create(&t, 0, run, &r)) return 1; pthread_join(t, 0);
#endif
  float *m = malloc(1 << 20); m[argc] = expf((float)argc);
  printf("%g %d %d %g\n", (double)wasm_f32x4_extract_lane(c, 0), wasm_i32x4_extract_lane(d, 0), r, (double)m[argc]);
  return 0;
}
X
OUT='2 -11 42 2.71828'
# In Node 20 (V8 11.3), relaxed SIMD needs a flag, and the baseline compiler Liftoff computes the relaxed dot product
# incorrectly (-24). Liftoff is therefore skipped there.
RUN=("$NODE"); [ "$("$NODE" -p 'parseInt(process.versions.node)')" -ge 22 ] || RUN+=(--experimental-wasm-relaxed-simd --no-liftoff)
emcc -O3 -msimd128 -mrelaxed-simd -sDEFAULT_TO_CXX=0 "$D/t.c" -o "$D/st.mjs" -sMODULARIZE -sEXPORT_ES6 -sALLOW_MEMORY_GROWTH
say "plain build"
emcc -O3 -msimd128 -mrelaxed-simd -sDEFAULT_TO_CXX=0 -pthread "$D/t.c" -o "$D/mt.mjs" -sMODULARIZE -sEXPORT_ES6 -sPTHREAD_POOL_SIZE=1 -sPROXY_TO_PTHREAD=0 -sINITIAL_MEMORY=64MB -sEXIT_RUNTIME
say "pthread build"
for v in st mt; do
  printf 'import M from "%s/%s.mjs"; await M();\n' "$D" $v > "$D/run-$v.mjs"
  GOT=$("${RUN[@]}" "$D/run-$v.mjs"); [ "$GOT" = "$OUT" ] || { echo "self test $v: got '$GOT'" >&2; exit 1; }
done
emcc --version | head -1
touch "$STAMP"; say "done: $(du -sh "$PREFIX" | cut -f1) in $PREFIX"
