"""The process that stays warm: its jobs, their order, and what happens when it dies."""

from __future__ import annotations

import sys

import pytest
from geoseg_qgis import warm
from geoseg_qgis.runner import Child, geoseg_command

from tests.qgis_plugin.conftest import alive, wait_for

# Speaks the worker's protocol; as `geoseg inspect …` or `geoseg segment …` it speaks that of a fresh process.
WORKER = r"""
import _thread, json, os, queue, signal, sys, threading, time
# As the real worker does: a shell that runs the tests in the background lets them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)
def job(words):
    if "slow" in words:
        for _ in range(6000):
            time.sleep(0.01)
    if "die" in words and sys.argv[1:2] == ["worker"]:
        os._exit(9)
    print(json.dumps({"pid": os.getpid(), "words": words}), flush=True)
    print("a line for people", file=sys.stderr, flush=True)
    say("result", outputs={"classes": "x"})
    return 1 if "fail" in words else 0
if sys.argv[1] != "worker":
    sys.exit(job(sys.argv[1:-1]))
if os.path.exists(os.path.join(os.path.dirname(__file__), "old")):
    sys.exit("Error: No such command 'worker'.")
here = os.path.dirname(__file__)
interrupts, deaf = (os.path.exists(os.path.join(here, name)) for name in ("interrupts", "deaf"))
say("ready", protocol=1, **({"cancel": True} if interrupts or deaf else {}))
lines = queue.Queue()
def read():
    for line in sys.stdin:
        if "cancel" not in line:
            lines.put(line)
        elif interrupts:
            _thread.interrupt_main()
    os._exit(130)
threading.Thread(target=read, daemon=True).start()
while True:
    wish = json.loads(lines.get())
    try:
        code = job(wish["arguments"])
    except KeyboardInterrupt:
        code = 130
    say("done", id=wish["id"], code=code)
"""


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """Make a pool whose geoseg is the stand-in."""
    script = tmp_path / "stand in.py"
    script.write_text(WORKER, "utf-8")

    def command(python, arguments):
        return [python, "-I", "-u", str(script), *arguments, "--die-with-parent"]

    monkeypatch.setattr(warm, "geoseg_command", command)
    made = warm.Warm()
    made.command = lambda *words: command(sys.executable, words)
    yield made
    made.close()


def _finish(job):
    events = []
    while not job.ended:
        events += job.poll(0.05)
    return events


def _facts(events):
    import json

    return next(json.loads(e["message"]) for e in events if e["event"] == "log" and e["stream"] == "out")


def test_jobs_share_a_process(pool):
    first, second = _finish(pool.start(pool.command("inspect", "a"))), _finish(pool.start(pool.command("segment", "b")))
    assert _facts(first)["pid"] == _facts(second)["pid"] == pool.worker.child.pid
    assert _facts(second)["words"] == ["segment", "b"]


def test_a_job_is_used_like_a_child(pool):
    job = pool.start(pool.command("segment", "fail"))
    assert isinstance(job, warm.Job)
    events = _finish(job)
    assert job.code == 1
    assert [event["event"] for event in events if event["event"] != "log"] == ["result"]
    assert job.results[0]["outputs"] == {"classes": "x"}
    assert job.error.startswith("exit code 1")
    assert not pool.start(pool.command("segment")).error


def test_cancelling_ends_the_process_and_the_next_job_gets_another(pool):
    job = pool.start(pool.command("segment", "slow"))
    pid = pool.worker.child.pid
    job.cancel()
    _finish(job)
    assert job.cancelled
    assert job.error == "cancelled"
    wait_for(lambda: not alive(pid))
    other = _finish(pool.start(pool.command("segment", "b")))
    assert _facts(other)["pid"] != pid


def test_stopping_keeps_a_process_that_can_interrupt_jobs(pool, tmp_path):
    (tmp_path / "interrupts").touch()
    job = pool.start(pool.command("sketch", "slow"))
    wait_for(lambda: job.poll() or pool.worker.ready)
    pid = pool.worker.child.pid
    job.stop()
    _finish(job)
    assert job.cancelled
    assert job.error == "cancelled"
    other = _finish(pool.start(pool.command("next", "b")))
    assert _facts(other)["pid"] == pid


def test_stopping_ends_a_process_that_cannot(pool):
    job = pool.start(pool.command("sketch", "slow"))
    wait_for(lambda: job.poll() or pool.worker.ready)
    pid = pool.worker.child.pid
    job.stop()
    _finish(job)
    assert job.cancelled
    wait_for(lambda: not alive(pid))


def test_a_job_that_does_not_stop_is_ended(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "_PATIENCE", 0.2)
    (tmp_path / "deaf").touch()
    job = pool.start(pool.command("sketch", "slow"))
    wait_for(lambda: job.poll() or pool.worker.ready)
    job.stop()
    _finish(job)
    assert job.cancelled


def test_a_death_under_a_job_is_made_good_by_a_process_of_its_own(pool):
    job = pool.start(pool.command("segment", "die"))
    events = _finish(job)
    assert job.code == 0
    assert not job.error
    assert job.results
    assert _facts(events)["words"] == ["segment", "die"]


def test_a_geoseg_without_worker_is_noticed(pool, tmp_path):
    (tmp_path / "old").touch()
    for _ in range(3):
        job = pool.start(pool.command("inspect", "a"))
        assert _facts(_finish(job))["words"] == ["inspect", "a"]
        assert not job.error
    assert isinstance(pool.start(pool.command("inspect", "a")), Child)


def test_quick_jobs_wait_for_each_other_and_long_ones_do_not_delay_them(pool):
    dropped, wanted = pool.start(pool.command("inspect", "a")), pool.start(pool.command("inspect", "b"))
    dropped.leave()
    assert _facts(_finish(wanted))["words"] == ["inspect", "b"], "answers of a dropped job are not another's"
    long = pool.start(pool.command("segment", "slow"))
    meanwhile = pool.start(pool.command("inspect", "c"))
    assert isinstance(meanwhile, Child)
    assert _facts(_finish(meanwhile))["words"] == ["inspect", "c"]
    long.leave()
    assert long.ended
    wait_for(lambda: pool.worker.child.ended)


def test_nothing_is_lost_between_jobs_that_wait_at_the_same_time(pool):
    jobs = [pool.start(pool.command("inspect", str(number))) for number in range(4)]
    said = {job: [] for job in jobs}
    while not all(job.ended for job in jobs):
        for job in jobs:
            said[job] += job.poll(0.02)
    assert [_facts(said[job])["words"][1] for job in jobs] == list("0123")
    assert all(job.results and job.code == 0 for job in jobs)


def test_limits(pool):
    job = pool.start(pool.command("segment", "slow"), limit=0.3)
    _finish(job)
    assert "did not answer" in job.error


def test_other_commands_have_a_process_of_their_own(pool):
    assert isinstance(pool.start(pool.command("train", "a")), Child)
    assert isinstance(pool.start([sys.executable, "-c", "pass"]), Child)


def test_it_is_ended_when_idle_for_long(pool):
    _finish(pool.start(pool.command("inspect", "a")))
    pid = pool.worker.child.pid
    pool.end_if_idle(60)
    assert alive(pid)
    pool.end_if_idle(0)
    assert pool.worker is None
    wait_for(lambda: not alive(pid))


def test_the_real_worker(tmp_path):
    pool = warm.Warm()
    try:
        for _ in range(2):
            job = pool.start(geoseg_command(sys.executable, ["model", "list", "--json"]), limit=120)
            (line,) = (e["message"] for e in _finish(job) if e["event"] == "log" and e["message"].startswith("["))
            assert '"spectral"' in line
        assert pool.worker.ready
        assert isinstance(job, warm.Job)
        job = pool.start(geoseg_command(sys.executable, ["inspect", str(tmp_path / "gone.tif"), "--json"]))
        assert '"fits": false' in " ".join(event["message"] for event in _finish(job))
        assert job.code == 1
        pid = pool.worker.child.pid
    finally:
        pool.close()
    wait_for(lambda: not alive(pid))
