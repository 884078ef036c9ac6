"""Completion by Tab: what each shell asks for, and what it gets."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
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


@pytest.fixture
def program(tmp_path):
    """A folder with the command, and the environment of a shell that finds it."""
    command = tmp_path / "geoseg"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m geoseg "$@"\n', "utf-8")
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TERM": "dumb"}


_ASKED = {
    "bash": """
        eval "$(geoseg completion bash)"; COMP_WORDS=(geoseg compl); COMP_CWORD=1; _geoseg_completion geoseg
        echo "${COMPREPLY[@]}"
    """,
    "fish": 'geoseg completion fish | source; complete -C "geoseg compl"',
}


@pytest.mark.parametrize("shell", _ASKED)
def test_the_shell_itself(program, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-c", _ASKED[shell]], env=program, capture_output=True, text=True, encoding="utf-8",
                          check=True)  # fmt: skip
    assert done.stdout.split()[0] == "completion"


def test_zsh_itself(program):
    """zsh completes on a terminal only."""
    pty = pytest.importorskip("pty", reason="no terminals here")
    if shutil.which("zsh") is None:
        pytest.skip("no zsh here")
    ours, theirs = pty.openpty()
    with subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=program,
                          start_new_session=True) as shell:  # fmt: skip
        os.close(theirs)

        def typed(keys: str, answer: str) -> bool:
            """Type keys; whether the terminal then shows an answer."""
            os.write(ours, keys.encode())
            shown, end = "", time.monotonic() + 60
            while answer not in shown and time.monotonic() < end:
                if select.select([ours], [], [], 0.2)[0]:
                    shown += os.read(ours, 4096).decode(errors="replace")
            return answer in shown

        try:
            ready = 'autoload -U compinit; compinit -u -D; eval "$(geoseg completion zsh)"; echo rea""dy\n'
            assert typed(ready, "ready")
            assert typed("geoseg compl\t", "geoseg completion ")
        finally:
            shell.kill()
            os.close(ours)
