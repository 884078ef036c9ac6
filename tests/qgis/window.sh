#!/bin/bash
# A script in a real QGIS window under Xvfb: window.sh PYTHON_WITH_GEOSEG INPUTS OUT [SCRIPT]. Ends by itself, three limits deep.
# GEOSEG_TEST_SCALE=1.5 is the scaling of the screen, GEOSEG_TEST_LOCALE=de the language.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$1 inputs=$2 out=$3 script=${4:-window.py}
scale=${GEOSEG_TEST_SCALE:-1}
limit=${GEOSEG_TEST_LIMIT:-150}
mkdir -p "$out"
rm -f "$out/result.json"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -p "$home/cfg/profiles/default/QGIS" "$home/run" "$home/tmp"
chmod 700 "$home/run"
# A fresh profile: the plugin on, nothing that asks, looks for news or for updates.
cat >"$home/cfg/profiles/default/QGIS/QGIS3.ini" <<INI
[PythonPlugins]
geoseg_qgis=true
processing=true
[qgis]
askToSaveProjectChanges=false
checkVersion=false
showTips=false
warnOldProjectVersion=false
[locale]
overrideFlag=true
userLocale=${GEOSEG_TEST_LOCALE:-en_US}
[app]
projections\\unknownCrsBehavior=UseDefaultCrs
[core]
NewsFeed\\httpsfeedqgisorg\\disabled=true
INI
# Where the event loop is watched, a second run from the same inputs tells the plugin's blocks from the host's: see stage.py.
again=${GEOSEG_TEST_AGAIN:-}
if [ -z "$again" ] && grep -q finish_by_blocks "$here/$script"; then cp -r "$inputs" "$home/inputs"; fi
env -i HOME="$home" TMPDIR="$home/tmp" PATH=/usr/bin:/bin LANG=C.UTF-8 XDG_RUNTIME_DIR="$home/run" LIBGL_ALWAYS_SOFTWARE=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here" QT_SCALE_FACTOR="$scale" QGIS_PLUGINPATH="$here/../../qgis_plugin" PYQGIS_STARTUP="$here/guard.py" \
    GEOSEG_PYTHON="$python" GEOSEG_MODELS="$inputs/models" GEOSEG_CACHE="$inputs/cache" OMP_NUM_THREADS=1 \
    GEOSEG_TEST_OUT="$out" GEOSEG_TEST_AGAIN="$again" GEOSEG_TEST_ROUNDS="${GEOSEG_TEST_ROUNDS:-6}" GEOSEG_TEST_INPUTS="$inputs" GEOSEG_TEST_LIMIT="$limit" GEOSEG_TEST_STEP=$((limit * 4 / 5)) GEOSEG_TEST_HARD_LIMIT=$((limit + 20)) \
    timeout -k 10 $((limit + 40)) xvfb-run -a -s "-screen 0 2400x1500x24 -nolisten tcp" \
    qgis --nologo --noversioncheck --profiles-path "$home/cfg" --code "$here/$script" >"$out/window.log" 2>&1
code=$?
if [ $code -eq 3 ] && [ -d "$home/inputs" ]; then
    grep '^FINISH' "$out/window.log"
    echo "once more: blocks count if they come at the same places"
    rm -rf "$inputs" "$out/again"
    cp -r "$home/inputs" "$inputs"
    mkdir "$out/again"
    cp "$out/blocked.json" "$out/again"
    GEOSEG_TEST_AGAIN=yes "$0" "$python" "$inputs" "$out/again" "$script"
    exit $?
fi
# Exit code 0 without a result: QGIS was closed some other way.
if [ $code -eq 0 ] && ! grep -q '"ok": true' "$out/result.json" 2>/dev/null; then code=1; fi
grep -E '^ +([0-9.]+ s  |event loop|seconds)|^FINISH|^GUARD' "$out/window.log"
if [ $code -ne 0 ]; then tail -30 "$out/window.log"; cat "$out/result.json" 2>/dev/null; fi
exit $code
