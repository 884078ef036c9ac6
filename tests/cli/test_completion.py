"""Completion by Tab: what each shell asks for, and what it gets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(geoseg, monkeypatch):
    """Ask as a shell does; return the lines of the answer."""

    def ask(shell: str, words: list[str], incomplete: str) -> list[str]:
        monkeypatch.setenv("_GEOSEG_COMPLETE", f"{shell}_complete")
        line = ["geoseg", *words, *([incomplete] if incomplete or shell != "powershell" else [])]
        monkeypatch.setenv("COMP_WORDS", " ".join(line))
        monkeypatch.setenv("COMP_CWORD", str(len(words) + 1) if shell != "fish" else incomplete)
        monkeypatch.setenv("COMP_WORD", incomplete)
        code, out, err = geoseg()
        assert (code, err) == (0, "")
        return out.splitlines()

    return ask


def test_bash(asked):
    assert asked("bash", [], "doc") == ["plain,doctor"]
    assert asked("bash", ["segment", "--stitch"], "l") == ["plain,linear"]
    assert "plain,landcover" in asked("bash", ["segment", "-m"], "land")
    assert asked("bash", ["segment", "-m"], "no-such-name") == ["file,no-such-name"]


def test_the_comparison_is_completed_without_its_hidden_name(asked):
    assert "plain,--tolerance" in asked("bash", ["evaluate"], "--tol")
    assert {"plain,sample", "plain,area"} <= set(asked("bash", ["evaluate"], ""))
    assert "plain,--tolerance" in asked("bash", ["evaluate", "a.tif", "b.tif"], "--tol")


def test_powershell(asked):
    (line,) = asked("powershell", [], "doc")
    assert line.startswith("doctor\tCheck whether geoseg works")
    assert asked("powershell", ["segment", "--stitch"], "") == ["trim\ttrim", "linear\tlinear", "gaussian\tgaussian"]
    assert asked("powershell", ["segment", "-m"], "no-such-name") == [""]  # the shell completes files


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "compdef"),
        ("fish", "complete --no-files --command geoseg"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName geoseg"),
    ],
)
def test_scripts(geoseg, shell, words):
    code, out, _ = geoseg("completion", shell)
    assert code == 0
    assert words in out
    assert "_GEOSEG_COMPLETE" in out
    assert "%(" not in out


def test_bash_itself(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    program = tmp_path / "geoseg"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m geoseg "$@"\n', "utf-8")
    program.chmod(0o755)
    lines = (
        'eval "$(geoseg completion bash)"; COMP_WORDS=(geoseg compl); COMP_CWORD=1; _geoseg_completion geoseg; '
        'echo "${COMPREPLY[@]}"'
    )
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([bash, "-c", lines], env=environment, capture_output=True, text=True, encoding="utf-8",
                          check=True)  # fmt: skip
    assert done.stdout.split() == ["completion"]
