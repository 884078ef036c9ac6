"""Addresses, and the lock that is an object: one holder at a time, taken over only from the dead."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from geoseg.errors import OutputError
from geoseg.system.storage.address import object_address
from geoseg.system.storage.local import LocalStorage
from geoseg.system.storage.storage import storage_of

pytest.importorskip("obstore")
pytest.importorskip("moto")

from geoseg.system.storage import connection, lease, objects
from geoseg.system.storage.machine import is_running, process_start
from tests.job.s3 import serving


@pytest.mark.parametrize("kind", [str, Path])  # Path turns s3:// into s3:/
@pytest.mark.parametrize(
    ("text", "url", "gdal"),
    [
        ("s3://maps/2026/run2", "s3://maps/2026/run2", "/vsis3/maps/2026/run2"),
        ("S3://maps//run2/", "s3://maps/run2", "/vsis3/maps/run2"),
        ("/vsis3/maps/run2", "s3://maps/run2", "/vsis3/maps/run2"),
        ("gs://maps", "gs://maps", "/vsigs/maps"),
        ("az://box/Süd & co", "az://box/Süd & co", "/vsiaz/box/Süd & co"),
        (" s3://maps/a ", "s3://maps/a", "/vsis3/maps/a"),
    ],
)
def test_addresses(text, url, gdal, kind):
    address = object_address(kind(text))
    assert str(address) == url
    assert address.gdal == gdal


def test_other_places_are_local_or_refused(tmp_path):
    assert object_address(tmp_path) is None
    assert object_address("s3/maps") is None
    assert storage_of(tmp_path) == LocalStorage(tmp_path)
    for text in ("http://host/a", "/vsizip/a.zip", "memory://a", "abfss://c@host/a", ""):
        with pytest.raises(OutputError):
            storage_of(text)


@pytest.mark.parametrize(
    "text", ["s3://key:SECRET@maps/a", "s3://maps/a?token=SECRET", "s3:///a", "s3://maps/../a", "s3://maps/a\nb"]
)
def test_addresses_that_are_none_are_refused_without_their_secrets(text):
    with pytest.raises(OutputError) as caught:
        storage_of(text)
    assert "SECRET" not in str(caught.value)


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        found.make_bucket("maps")
        yield found


@pytest.fixture
def place(server, monkeypatch, tmp_path, request):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(server, "fault", lambda _: None)
    server.requests.clear()
    return storage_of(f"s3://maps/{request.node.name}")


def test_it_does_what_a_folder_does(place, tmp_path):
    local = storage_of(tmp_path / "folder")
    local.path.mkdir()
    for storage in (place, local):
        storage.check()
        storage.write("a", b"1")
        storage.write("a", b"2")
        storage.write("empty", b"")
        (storage / "below").write("b", b"3")
        (storage / "below" / "deep").write("c", b"4")
        assert storage.read("a") == b"2"
        assert storage.read("a", 1) == b"2"
        assert storage.names() == ["a", "empty"]
        assert storage.folders() == ["below"]
        assert storage.exists("empty")
        assert not storage.exists("below.lock")
        with pytest.raises(OSError, match="larger"):
            storage.read("a", 0)
        with pytest.raises(FileNotFoundError):
            storage.read("none")
        storage.remove("none")
        big = tmp_path / "big"
        big.write_bytes(os.urandom(9 * 2**20))  # more than one part
        data = big.read_bytes()
        storage.take(big)
        assert not big.exists()
        assert storage.read("big") == data
        copies = tmp_path / f"copies-{storage.remote}"
        copies.mkdir()
        storage.fetch(["a", "empty"], copies)
        assert {path.name: path.read_bytes() for path in copies.iterdir()} == {"a": b"2", "empty": b""}
        (storage / "below").clear()
        assert storage.folders() == []
        storage.remove("a")
        assert storage.names() == ["big", "empty"]
        assert str(pickle.loads(pickle.dumps(storage))) == str(storage)
    assert "SECRET" not in repr(pickle.dumps(place))
    with pytest.raises(ValueError, match="whole bucket"):
        storage_of("s3://maps").clear()


def test_an_upload_of_which_less_arrives_is_an_error(place, tmp_path, monkeypatch):
    import obstore

    file = tmp_path / "map.tif"
    file.write_bytes(b"12345")
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda store, key, path, **more: put(store, key, path.read_bytes()[:3]))
    with pytest.raises(OSError, match="of 5 bytes 3 arrived"):
        place.take(file)
    assert file.exists()
    assert not place.exists("map.tif")


def test_one_run_at_a_time(place):
    with place.lock():
        assert place.is_locked()
        place.verify_lock()
        with pytest.raises(OutputError, match=rf"another run \(process {os.getpid()} on .*one_run_at_a_time"):
            storage_of(str(place)).lock().__enter__()
        assert place.is_locked()
    assert not place.is_locked()
    with place.lock():
        pass


def test_a_lock_that_this_process_could_not_give_back_is_free(place, server, monkeypatch):
    with place.lock():
        monkeypatch.setattr(server, "fault", lambda env: "denied")
    monkeypatch.setattr(server, "fault", lambda _: None)
    assert place._lock_address.prefix in server.contents("maps")
    assert not place.is_locked()
    with place.lock():
        assert place.is_locked()


def test_the_lock_of_a_dead_process_of_this_machine_is_taken_over_at_once(place):
    code = (
        "import os; from geoseg.system.storage.storage import storage_of\n"
        f"storage_of({str(place)!r}).lock().__enter__(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    begin = time.monotonic()
    assert not place.is_locked()
    with place.lock():
        place.verify_lock()
    assert time.monotonic() - begin < 5


@pytest.fixture
def elsewhere(monkeypatch):
    """Locks seem to be of another machine's processes, and are given up within a second."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(lease, "_WATCH_SECONDS", 0.1)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 2.0)
    machines = iter(f"machine {number}" for number in range(1000))
    monkeypatch.setattr(lease, "machine", lambda: next(machines))


def test_a_lock_that_another_machine_renews_is_respected(place, elsewhere):
    with place.lock(), pytest.raises(OutputError, match="another run"):
        storage_of(str(place)).lock().__enter__()


def test_a_lock_that_nobody_renews_is_taken_over_and_the_late_holder_told(place, elsewhere, monkeypatch):
    first, second = place, storage_of(str(place))
    renew = lease.Lease._renew
    monkeypatch.setattr(lease.Lease, "_renew", lambda self: None)
    with first.lock():
        held = first._lease
        monkeypatch.setattr(lease.Lease, "_renew", renew)
        with second.lock():
            held._renew()  # it wakes up
            with pytest.raises(OutputError, match="another run has taken over"):
                first.verify_lock()
            second.verify_lock()
            first._lease.release()
            assert second.is_locked(), "a lock of others is not deleted"


def test_who_works_for_a_run_that_has_ended_is_told(place):
    with place.lock():
        token = place.lock_token
        worker = pickle.loads(pickle.dumps(place))
        worker.verify_lock(token)
    with pytest.raises(OutputError, match="the run that this work was for has ended"):
        worker.verify_lock(token)
    with place.lock(), pytest.raises(OutputError, match="the run that this work was for has ended"):
        worker.verify_lock(token)


def test_an_answer_that_is_lost_does_not_lose_the_lock(place, server, monkeypatch):
    lost = iter([True])
    monkeypatch.setattr(
        server, "fault", lambda env: "lost" if env["REQUEST_METHOD"] == "PUT" and next(lost, None) else None
    )
    with place.lock():
        place.verify_lock()
    assert server.faults[-1] == "lost"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("denied", r"access is denied \(AccessDenied\): the credentials do not permit it"),
        ("unknown key", r"does not accept the credentials \(InvalidAccessKeyId\): check AWS_ACCESS_KEY_ID"),
        ("no conditions", r"heeds no conditions of writing"),
        ("500", r"the server fails \(InternalError\)"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(place, server, monkeypatch, fault, message):
    monkeypatch.setattr(server, "fault", lambda env: fault if env["REQUEST_METHOD"] == "PUT" else None)
    with pytest.raises(OutputError, match=message) as caught:
        place.check()
    assert "\n" not in str(caught.value)
    assert "testing" not in str(caught.value)
    assert str(caught.value).startswith(str(place))


def test_what_is_not_there_is_said(place, server, monkeypatch):
    with pytest.raises(OutputError, match="there is no bucket elsewhere"):
        storage_of("s3://elsewhere/a").check()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(OutputError, match="no connection to the server: check the endpoint"):
        place.check()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(OutputError, match="no credentials are set: give AWS_ACCESS_KEY_ID"):
        place.check()
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    with pytest.raises(OutputError, match="set AZURE_STORAGE_ACCOUNT"):
        storage_of("az://box/a").check()


def test_profiles(place, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text("[maps]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "maps")
    place.check()
    monkeypatch.setenv("AWS_PROFILE", "others")
    with pytest.raises(OutputError, match="profile of AWS gives no credentials"):
        place.check()


def test_variables_of_gdal_name_the_server_too(place, server, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_S3_ENDPOINT", server.address.removeprefix("http://"))
    monkeypatch.setenv("AWS_HTTPS", "NO")
    place.check()


def test_the_other_clouds_are_addressed(monkeypatch):
    """Without a server of theirs: which store is asked for what."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCESS_KEY", "aGVsbG8=")
    assert type(connection.connect(object_address("az://box/a"))).__name__ == "AzureStore"
    assert type(connection.connect(object_address("gs://box/a"))).__name__ == "GCSStore"


def test_scratch_of_the_dead_is_swept(place, tmp_path):
    with place.lock():
        mine = place.scratch
        dead = tmp_path / f"{objects._scratch_prefix()}999999999-1-x"
        dead.mkdir()
        (tmp_path / "geoseg-others-999999999-1-x").mkdir()
        with (other := storage_of(str(place / "other"))).lock():
            assert other.scratch != mine
        assert mine.exists()
        assert not dead.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["geoseg-others-999999999-1-x"]


def test_processes():
    assert is_running(os.getpid(), process_start())
    assert not is_running(os.getpid(), process_start() - 100)
    assert not is_running(999_999_999, 0)
