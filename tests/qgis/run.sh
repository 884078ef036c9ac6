#!/bin/bash
# Everything that needs QGIS: run.sh PYTHON_WITH_GEOSEG DEMO_FOLDER [PICTURES]. Prints what passed, exits non-zero on failure,
# leaves nothing running. DEMO_FOLDER is what `geoseg demo` wrote; pictures of the window test go into PICTURES, if given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# Not resolved: the python of a virtual environment is a link, and followed it is another Python.
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
demo=$(cd "$2" && pwd)
scratch=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null || true; rm -rf "$scratch"' EXIT
pictures=${3:-$scratch/pictures}
mkdir -p "$pictures"
step() { printf -- '--- %s (%s s)\n' "$1" "$SECONDS"; }
# A virtual environment first on PATH makes QGIS crash, and nothing of ours may reach it: a clean environment.
clean() { env -i HOME="$scratch" PATH=/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$@"; }

step "QGIS opens what the demo wrote"
clean QT_QPA_PLATFORM=offscreen timeout -k 10 120 /usr/bin/python3 -I "$here/check_outputs.py" "$demo"

step "the plugin's zip"
clean timeout -k 10 60 /usr/bin/python3 -I "$here/../../qgis_plugin/build_zip.py" --without-wheel "$scratch/zip"

step "inputs"
clean timeout -k 10 120 "$python" -I "$here/make_inputs.py" "$demo" "$scratch/inputs"

step "every algorithm through qgis_process"
rasters=$here/../../../shared/data
clean GEOSEG_TEST_LIMIT="${GEOSEG_TEST_LIMIT:-150}" timeout -k 10 $((3 * ${GEOSEG_TEST_LIMIT:-150})) \
    /usr/bin/python3 -I "$here/headless.py" "$python" "$scratch/inputs" "$scratch/out" "$rasters"

step "under QGIS's Python"
clean QT_QPA_PLATFORM=offscreen timeout -k 10 "${GEOSEG_TEST_LIMIT:-120}" \
    /usr/bin/python3 -I "$here/in_qgis.py" "$python" "$scratch/inputs" "$scratch/out"

step "a real window"
GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} "$here/window.sh" "$python" "$scratch/inputs" "$pictures"
step "a real window: units, borders, areas, edits, own classes, rendered layers"
GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} "$here/window.sh" "$python" "$scratch/inputs" "$pictures" panel_values.py
step "a real window: the panel at 300 px with large fonts"
GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} "$here/window.sh" "$python" "$scratch/inputs" "$pictures" panel_layout.py
step "a real window: the panel at 300 px, a screen at 150 %, in German"
GEOSEG_TEST_SCALE=1.5 GEOSEG_TEST_LOCALE=de GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} \
    "$here/window.sh" "$python" "$scratch/inputs" "$pictures/150" panel_layout.py
step "a real window: the sketch loop"
GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-400} "$here/window.sh" "$python" "$scratch/inputs" "$pictures/sketch" sketch.py
step "a real window: changes, on a screen at 150 %"
GEOSEG_TEST_SCALE=1.5 GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} \
    "$here/window.sh" "$python" "$scratch/inputs" "$pictures/changes_window" changes_window.py
for script in click_objects objects panel_runs panel_project setup_page accuracy_dialog dialogs any_layer; do
    step "a real window: $script"
    GEOSEG_TEST_LIMIT=${GEOSEG_TEST_LIMIT:-240} "$here/window.sh" "$python" "$scratch/inputs" "$pictures/$script" "$script.py"
done
step "QGIS: all passed"
