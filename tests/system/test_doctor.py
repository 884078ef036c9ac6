"""geoseg doctor: what is broken is named with its remedy, whatever breaks; an issue's text holds no secret."""

from __future__ import annotations

import getpass
import json
import os
import platform
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.demo import self_test
from geoseg.system.doctor import diagnosis, machine, software
from geoseg.system.doctor.diagnosis import Diagnosis
from geoseg.system.doctor.entry import Entry
from geoseg.system.doctor.probe import probe
from geoseg.system.doctor.support import support_text, without_secrets


def python(code: str) -> list[str]:
    return [
        sys.executable,
        "-S",
        "-c",
        f"import json, os, sys, time\ndef say(**fact): print(json.dumps(fact), flush=True)\n{code}",
    ]


# --- the self-test in a process of its own


def test_steps_and_devices_are_told():
    began = []
    code = (
        "print('noise of a library')\nsay(begin='a')\nsay(device='cpu', text='a CPU')\n"
        "say(step='a', text='right', seconds=0.25, value=7)\nsay(begin='b')\n"
        "say(step='b', text='wrong', status='error', remedy='mend it')\nsay(end=True)"
    )
    devices, steps = probe(python(code), 20, began.append)
    assert devices == (Entry("cpu", "a CPU"),)
    assert steps[:2] == (Entry("a", "right (0.2 s)", 7), Entry("b", "wrong", None, "error", "mend it"))
    assert [entry.name for entry in steps] == ["a", "b", "time"]
    assert began == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "limit", "expected"),
    [
        ("time.sleep(60)", 0.5, "not finished after 0.5 s"),
        ("import ctypes\nctypes.string_at(0)", 20, "Python crashed"),
        ("raise ImportError('libgdal.so.36: cannot open')", 20, "ImportError: libgdal.so.36: cannot open"),
        ("sys.exit(3)", 20, "ended early, with exit code 3"),
        ("pass", 20, "ended early, with exit code 0"),
    ],
)
def test_a_step_that_hangs_crashes_or_fails_is_named(code, limit, expected):
    _, steps = probe(python(f"say(begin='the step')\n{code}"), limit)
    failed = steps[0]
    assert (failed.name, failed.status) == ("the step", "error")
    assert expected in failed.text
    assert failed.remedy


def test_a_python_that_is_not_there():
    _, (entry,) = probe([str(Path("no") / "such" / "python")], 5)
    assert entry.status == "error"


def test_every_step_is_right_here():
    """All but ``devices``, which prints."""
    assert "GDAL" in self_test.check_grids()
    assert "right" in self_test.check_torch()
    assert "right" in self_test.check_device()
    assert "reproduced" in self_test.check_models()


def test_a_wrong_class_is_found(monkeypatch):
    assert "all 2,304 pixels" in self_test.check_run()
    spectra = dict(self_test._SPECTRA)
    first, *_, last = spectra
    spectra[first], spectra[last] = spectra[last], spectra[first]
    monkeypatch.setattr(self_test, "_SPECTRA", spectra)
    with pytest.raises(self_test.WrongError, match=r"1152 of 2304 pixels have a wrong class"):
        self_test.check_run()


def test_one_broken_step_does_not_hide_the_others(monkeypatch, capfd):
    def broken() -> str:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(self_test, "steps", lambda: {"one": broken, "two": lambda: "fine"})
    monkeypatch.setenv("GEOSEG_CACHE", os.environ["GEOSEG_CACHE"])
    self_test.main()
    facts = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [fact.get("step") for fact in facts] == [None, "one", None, "two", None]
    assert facts[-1] == {"end": True}
    assert facts[1]["status"] == "error"
    assert "torch" in facts[1]["remedy"]
    assert facts[3]["text"] == "fine"


# --- software and machine


def test_packages_that_are_missing_or_too_old(monkeypatch):
    listed = [
        "alpha>=2.4",
        "beta>=1.10 ; python_version > '3'",
        "gamma[x]>=1",
        "delta>=1; extra == 'zarr'",
        "eps; extra == 'test'",
    ]
    have = {"alpha": "2.3.9+cu121", "beta": "1.10.0", "delta": "3.0"}

    def version(name):
        if name not in have:
            raise software.PackageNotFoundError(name)
        return have[name]

    monkeypatch.setattr(software, "requires", lambda _: listed)
    monkeypatch.setattr(software, "version", version)
    found = {entry.name: entry for entry in software.library_entries()}
    assert {name: entry.status for name, entry in found.items()} == {
        "alpha": "error", "beta": "ok", "gamma": "error", "delta": "ok",
    }  # fmt: skip
    assert found["alpha"].remedy == 'pip install --upgrade "alpha>=2.4"'
    assert found["gamma"].remedy == 'pip install "gamma>=1"'


def test_every_dependency_of_this_installation_is_listed():
    found = {entry.name: entry for entry in software.library_entries()}
    for name in ("rasterio", "torch", "dask", "numpy", "zlib-ng"):
        assert found[name].status == "ok", found[name]


def test_a_proj_folder_without_database(monkeypatch, tmp_path):
    monkeypatch.setenv("PROJ_DATA", str(tmp_path))
    (entry,) = [entry for entry in software.environment_entries() if entry.name == "PROJ_DATA"]
    assert entry.status == "warning"
    assert "unset" in entry.remedy
    (tmp_path / "proj.db").touch()
    assert next(entry for entry in software.environment_entries() if entry.name == "PROJ_DATA").status == "ok"


def test_folders_are_described(monkeypatch, tmp_path):
    cache = tmp_path / "cache"
    (cache / "graphs").mkdir(parents=True)
    (cache / "graphs" / "a").write_bytes(bytes(3000))
    monkeypatch.setenv("GEOSEG_CACHE", str(cache))
    found = {entry.name: entry for entry in machine.folder_entries()}
    assert "1 files of 3.0 kB" in found["cache"].text
    assert found["cache"].value["bytes"] == 3000
    monkeypatch.setattr(machine, "_writable", lambda _: False)
    found = {entry.name: entry for entry in machine.folder_entries()}
    assert (found["cache"].status, found["temporary"].status) == ("warning", "error")
    assert "GEOSEG_CACHE" in found["cache"].remedy
    assert list(cache.iterdir()) == [cache / "graphs"]  # nothing is left


def test_a_small_machine(monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 5 * 10**8)
    entry = next(entry for entry in machine.machine_entries() if entry.name == "memory")
    assert (entry.status, entry.value["free"]) == ("warning", 5 * 10**8)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ulimit")
def test_limits_of_a_shell(monkeypatch):
    import resource

    limits = {resource.RLIMIT_AS: 4 * 10**9, resource.RLIMIT_NOFILE: 256}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], -1))
    assert {entry.name: entry.status for entry in machine._resource_limits()} == {
        "address space": "warning", "open files": "warning",
    }  # fmt: skip


# --- what is printed


FINDINGS = Diagnosis(
    {
        "software": (Entry("geoseg", "1.0"), Entry("torch", "2.3 is older than 2.4", "2.3", "error", "pip install it")),
        "folders": (Entry("cache", "little room", {"free": 5}, "warning", "make room"),),
    }
)


def test_problems_come_last_with_their_remedies():
    text = FINDINGS.as_text()
    assert text.index("to mend") < text.index("✗ torch: 2.3") < text.index("pip install it") < text.index("! cache:")
    assert text.endswith("geoseg does not work here.")
    values = json.loads(json.dumps(FINDINGS.as_dict()))
    assert not values["works"]
    assert [(one["name"], one["status"]) for one in values["problems"]] == [("torch", "error"), ("cache", "warning")]
    assert values["folders"]["cache"] == {"free": 5}


def test_what_had_no_time_is_not_said_to_be_broken():
    _, steps = probe(python("say(begin='torch')\ntime.sleep(60)"), 0.5)
    late = Diagnosis({"self-test": steps})
    assert not late.works
    assert late.as_text().endswith(
        "--timeout 2min\n\nNothing wrong was found, but the self-test did not come to its end."
    )
    broken = Diagnosis({**FINDINGS.sections, "self-test": steps})
    assert broken.as_text().endswith("geoseg does not work here.")


@pytest.mark.parametrize(("works", "code"), [(True, 0), (False, 1)])
def test_exit_codes_of_the_command(geoseg, monkeypatch, works, code):
    step = Entry("run", "right") if works else Entry("run", "wrong", None, "error", "mend it")
    monkeypatch.setattr(diagnosis, "probe", lambda *_: ((), (step,)))
    monkeypatch.setattr(diagnosis, "machine_entries", list)
    monkeypatch.setattr(diagnosis, "limit_entries", list)
    found, out, _ = geoseg("doctor", "--json")
    assert found == code
    assert json.loads(out)["works"] is works
    assert geoseg("doctor", "--json", "--support")[0] == 2
    assert geoseg("doctor", "--support")[1].startswith("### geoseg doctor\n")


def test_versions_begin_with_geosegs_own(geoseg):
    import rasterio

    code, out, _ = geoseg("--version")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"geoseg, version {software.__version__}"
    assert any(line.split() == ["GDAL", rasterio.__gdal_version__] for line in lines)
    assert "torch" in lines[-1]


@pytest.mark.slow
def test_the_command_itself(tmp_path):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "geoseg", "doctor", "--json", "--timeout", "5min"], capture_output=True, text=True,
        encoding="utf-8", check=False, env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"GDAL, PROJ, GEOS", "torch", "model", "run"} <= set(json.loads(done.stdout)["self-test"])


# --- no secret


SECRETS = [
    "https://me:pa55@word@host.org/a",
    "s3://bucket/key?X-Amz-Signature=deadbeef0123",
    "https://acc.blob.core.windows.net/c/x.tif?sv=2024&sig=abc%3D",
    "Authorization: Bearer abcdefghijklmnop",
    "HTTPS_PROXY=http://ada:lovelace@proxy:8080",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "api_key: 'hunter2'",
    "password = hunter2",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "hf_abcdefghijklmnopqrstuvwx",
    "eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM",
    "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
    "ada@example.org",
]
HIDDEN = ["pa55", "word@host", "deadbeef", "abc%3D", "abcdefghijklmnop", "lovelace", "wJalr", "hunter2", "AKIAIOS",
          "ghp_a", "hf_ab", "SflKx", "0f1e2d", "ada@"]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_hidden(text):
    for line in (text, f"value: {text}", f"('{text}',)"):
        shown = without_secrets(line)
        assert not [word for word in HIDDEN if word in shown], shown


@settings(max_examples=25)
@given(st.from_regex(r"[A-Za-z0-9]{6,20}", fullmatch=True), st.from_regex(r"[A-Za-z0-9!@]{8,20}", fullmatch=True))
def test_passwords_in_addresses_are_hidden(user, password):
    shown = without_secrets(f"GDAL_HTTP_PROXY=http://{user}:{password}@proxy.example.org:3128/")
    assert shown == "GDAL_HTTP_PROXY=http://***@proxy.example.org:3128/"


def test_nothing_of_the_user_or_the_machine(monkeypatch, tmp_path):
    home = tmp_path / "Ada Lovelace"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "adalovelace")
    monkeypatch.setattr(getpass, "getuser", lambda: "adalovelace")
    monkeypatch.setattr(platform, "node", lambda: "enigma.bletchley.uk")
    text = (
        f"cache {home}/.cache/geoseg, C:\\Users\\turing\\AppData, /home/hopper/x, /Users/lovelace/y; "
        "adalovelace on enigma.bletchley.uk (enigma), job of AdaLovelace"
    )
    shown = without_secrets(text)
    for word in ("Ada", "Lovelace", "lovelace", "turing", "hopper", "enigma", "bletchley"):
        assert word not in shown, shown
    assert "~/.cache/geoseg" in shown
    assert "AppData" in shown


def test_what_helps_stays():
    text = "torch 2.15.0+cu132, Linux-6.1.0-x86_64-with-glibc2.36, segmentation-models-pytorch 0.6.0, 12.3 GB free"
    assert without_secrets(text) == text


def test_the_text_of_an_issue_cannot_leave_its_block():
    found = Diagnosis({"software": (Entry("geoseg", "```\n# heading\nHOME"),)})
    lines = support_text(found).splitlines()
    assert lines[2] == "```text"
    assert lines[-1] == "```"
    assert not any(line.startswith(("```", "#")) for line in lines[3:-1])
