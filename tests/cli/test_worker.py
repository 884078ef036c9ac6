"""``geoseg worker``: jobs as lines of JSON, one process, an end with stdin."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest


@pytest.fixture(scope="module")
def process():
    """Start a worker that has loaded everything."""
    command = [sys.executable, "-m", "geoseg", "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as worker:
        assert json.loads(worker.stdout.readline())["event"] == "ready"
        yield worker
        worker.stdin.close()
        assert worker.wait(60) == 130


def ask(process, number, *arguments):
    """Run a job; return its lines and exit code."""
    return ask_line(process, json.dumps({"id": number, "arguments": arguments}), number)


def ask_line(process, line, number=None):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    lines = []
    for answer in process.stdout:
        if answer.startswith('{"event": "done"'):
            done = json.loads(answer)
            assert done["id"] == number
            return lines, done["code"]
        lines.append(answer)
    raise AssertionError("it ended")


def test_jobs_and_their_exit_codes(process, tmp_path):
    lines, code = ask(process, 1, "model", "list", "--json")
    assert code == 0
    assert "spectral" in {card["name"] for card in json.loads("".join(lines))}
    lines, code = ask(process, "two", "inspect", str(tmp_path / "gone.tif"), "--json", "--die-with-parent")
    assert code == 1
    assert json.loads("".join(lines))["fits"] is False
    assert ask(process, 3, "segment")[1] == 2
    assert ask(process, 4, "no-such-command")[1] == 2
    assert ask(process, 5, "worker")[1] == 2


@pytest.mark.parametrize("line", ["", "{", "[]", '{"id": 1}', '{"id": 1, "arguments": 5}', "null"])
def test_what_is_no_job_is_refused_and_the_next_one_runs(process, line):
    assert ask_line(process, line) == ([], 2)
    assert ask(process, 1, "--version")[1] == 0


def test_results_are_those_of_a_process_of_its_own(process, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    arguments = [str(scene), "-m", "spectral", "--no-preview", "--progress", "json"]
    for name in ("a", "b"):
        lines, code = ask(process, name, "segment", *arguments, "-o", str(tmp_path / name))
        assert code == 0, lines
    alone = ["segment", *arguments, "-o", str(tmp_path / "alone")]
    subprocess.run([sys.executable, "-m", "geoseg", *alone], check=True, capture_output=True)
    classes = "scene_classes.tif"
    assert (tmp_path / "a" / classes).read_bytes() == (tmp_path / "alone" / classes).read_bytes()
    assert (tmp_path / "b" / classes).read_bytes() == (tmp_path / "alone" / classes).read_bytes()


def test_it_ends_with_stdin_in_the_middle_of_a_job(tmp_path):
    command = [sys.executable, "-m", "geoseg", "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as worker:
        worker.stdout.readline()
        demo = {"id": 1, "arguments": ["demo", str(tmp_path / "demo"), "--progress", "json"]}
        worker.stdin.write(json.dumps(demo) + "\n")
        worker.stdin.flush()
        assert worker.stdout.readline()
        worker.stdin.close()
        assert worker.wait(60) == 130


# A worker whose jobs do nothing for a minute, or for a moment.
_SLOW = """
import time
from geoseg.cli import worker
worker._load = lambda: None
def job(arguments):
    try:
        for _ in range(6000 if arguments == ["slow"] else 1):
            time.sleep(0.01)
    except KeyboardInterrupt:
        return 7  # as a command does that ends well when it is interrupted
    return 0
worker.run_job = job
worker.worker()
"""


def test_a_job_is_cancelled_and_the_process_stays():
    command = [sys.executable, "-c", _SLOW]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as worker:
        assert json.loads(worker.stdout.readline())["cancel"] is True

        def tell(*lines):
            worker.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
            worker.stdin.flush()

        tell({"id": 1, "arguments": ["slow"]}, {"id": 2, "arguments": ["slow"]}, {"id": 3, "arguments": ["quick"]})
        tell({"cancel": 2}, {"cancel": []}, {"cancel": 9})
        time.sleep(0.3)
        tell({"cancel": 1})
        answers = [json.loads(worker.stdout.readline()) for _ in range(4)]
        assert [(answer["id"], answer["code"]) for answer in answers] == [(1, 7), (2, 130), (3, 0), (None, 2)]
        # Too late: the job is over, and the next one is not touched.
        tell({"cancel": 3}, {"id": 4, "arguments": ["quick"]})
        assert json.loads(worker.stdout.readline()) == {"event": "done", "id": 4, "code": 0}
        worker.stdin.close()
        assert worker.wait(60) == 130


def test_it_is_not_in_the_help():
    text = subprocess.run([sys.executable, "-m", "geoseg", "--help"], check=True, capture_output=True, text=True).stdout
    assert "segment" in text
    assert "worker" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for another process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_signal_ends_it_also_in_the_middle_of_a_job(tmp_path, reflectance, name, busy):
    scene = reflectance(tmp_path / "scene.tif", 1024, 1024)
    command = [sys.executable, "-m", "geoseg", "worker"]
    heed = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heed,  # noqa: PLW1509 - no threads
    ) as worker:
        assert json.loads(worker.stdout.readline())["event"] == "ready"
        if busy:
            arguments = ["segment", str(scene), "-o", str(tmp_path / "out"), "--progress", "json", "--window", "256"]
            worker.stdin.write(json.dumps({"id": 1, "arguments": arguments}) + "\n")
            worker.stdin.flush()
            assert json.loads(worker.stdout.readline())["event"] == "start"
        worker.send_signal(getattr(signal, name))
        assert worker.wait(60) in (130, 143)
        assert '"done"' not in worker.stdout.read()
