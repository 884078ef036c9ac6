"""Connections to object stores: settings from the environment, and errors as one line without secrets.

By the library obstore (the Rust crate object_store): one package without dependencies for S3, Google and Azure, with
conditional puts, multipart uploads and retries in all three.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from geoseg.errors import OutputError
from geoseg.system.storage.address import Address

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

Answer = TypeVar("Answer")

READ_TIMEOUT = 30.0
"""Seconds without a byte after which a request is given up and made again."""

RETRIES, CHECK_RETRIES = 10, 2
"""How often a request is made again: with growing pauses, about a minute; and while a run has not begun."""

_PAUSES = (0.1, 0.5, 2.0)  # seconds before a question is asked again of which the answer was cut off

_TIMEOUT = timedelta(minutes=10)  # of one request, of at most a part of an upload

_HINTS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN",
}
_UNKNOWN_KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthenticationFailed")


def connect(address: Address, retries: int = RETRIES) -> S3Store | GCSStore | AzureStore:
    """Return a connection to a bucket; nothing is sent yet. Threads may share it.

    Raises
    ------
    OutputError
        If the account of an Azure container, or credentials for S3, are not known.
    """
    return _connection(address.scheme, address.bucket, retries, READ_TIMEOUT, _environment())


def _environment() -> tuple[tuple[str, str], ...]:
    """Return what connections depend on: a changed environment gets a new one."""
    return tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(("AWS_", "AZURE_", "GOOGLE_", "GS_"))))


@lru_cache(maxsize=16)
def _connection(
    scheme: str, bucket: str, retries: int, read_timeout: float, environment: tuple[tuple[str, str], ...]
) -> S3Store | GCSStore | AzureStore:
    from obstore.store import AzureStore, GCSStore, S3Store

    settings = dict(environment)
    common: dict[str, Any] = {
        "retry_config": {"max_retries": retries, "retry_timeout": timedelta(minutes=4)},
        "client_options": {"timeout": _TIMEOUT, "read_timeout": timedelta(seconds=read_timeout), "allow_http": False},
    }
    if scheme == "gs":
        return GCSStore(bucket, **common)
    if scheme == "az":
        account = settings.get("AZURE_STORAGE_ACCOUNT_NAME") or settings.get("AZURE_STORAGE_ACCOUNT")
        if not account and not settings.get("AZURE_STORAGE_USE_EMULATOR"):
            raise OutputError(f"{scheme}://{bucket}: the storage account is not known: set AZURE_STORAGE_ACCOUNT")
        return AzureStore(bucket, config={"account_name": account} if account else {}, **common)
    config = _s3_config(settings)
    common["client_options"]["allow_http"] = str(config.get("endpoint", "")).startswith("http://")
    return S3Store(bucket, config=config, credential_provider=_profile(settings, bucket), **common)


def _s3_config(settings: Mapping[str, str]) -> Any:
    """Translate GDAL's variables, with which the same server is read."""
    config: dict[str, Any] = {}
    endpoint = settings.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL")
    if not endpoint and (host := settings.get("AWS_S3_ENDPOINT")):
        scheme = "http" if _off(settings.get("AWS_HTTPS")) else "https"
        endpoint = host if "://" in host else f"{scheme}://{host}"
    if endpoint:
        config["endpoint"] = endpoint
        virtual = settings.get("AWS_VIRTUAL_HOSTING") or settings.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST")
        config["virtual_hosted_style_request"] = virtual is not None and not _off(virtual)
    if not _off(settings.get("AWS_NO_SIGN_REQUEST", "NO")):
        config["skip_signature"] = True
    return config


def _off(value: str | None) -> bool:
    return value is not None and value.strip().lower() in ("no", "false", "off", "0")


def _profile(settings: Mapping[str, str], bucket: str) -> Any:
    """Return what asks boto3 for credentials, where only its files hold them; None where the environment does."""
    known = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
             "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_NO_SIGN_REQUEST", "AWS_SKIP_SIGNATURE")  # fmt: skip
    if "AWS_PROFILE" not in settings and any(settings.get(name) for name in known):
        return None
    folder = Path.home() / ".aws"
    files = [Path(settings.get("AWS_SHARED_CREDENTIALS_FILE", folder / "credentials"))]
    files.append(Path(settings.get("AWS_CONFIG_FILE", folder / "config")))
    if "AWS_PROFILE" not in settings and not any(file.is_file() for file in files):
        if not _off(settings.get("AWS_EC2_METADATA_DISABLED", "false")):
            raise OutputError(f"s3://{bucket}: no credentials are set: give {_HINTS['s3']}")
        return None  # a machine in the cloud may have a role
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        raise OutputError(
            f"s3://{bucket}: profiles of AWS need the package boto3: pip install boto3, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ) from None
    try:
        return Boto3CredentialProvider(boto3.Session())
    except Exception as error:  # noqa: BLE001 - files of any content, and what they tell boto3 to ask
        raise OutputError(
            f"s3://{bucket}: the profile of AWS gives no credentials ({type(error).__name__}): set {_HINTS['s3']}"
        ) from None


def asked(question: Callable[[], Answer]) -> Answer:
    """Return the answer to a question, or of a change that may be made twice, as to delete what may be gone.

    It is asked again if the answer ends early, which the library does not.
    """
    from obstore.exceptions import GenericError

    for pause in _PAUSES:
        try:
            return question()
        except GenericError as error:
            if "status code" in str(error) or "tcp connect" in str(error):  # those the library has repeated
                raise
        time.sleep(pause)
    return question()


def got(store: Any, key: str, most: int | None = None) -> tuple[Any, bytes]:
    """Return an object's metadata and content.

    Raises
    ------
    OSError
        If it is larger than ``most`` bytes.
    """
    import obstore

    def get() -> tuple[Any, bytes]:
        found = obstore.get(store, key)
        if most is not None and found.meta["size"] > most:
            raise OSError(errno.EFBIG, f"larger than {most / 1e6:,.0f} MB")
        return found.meta, bytes(found.bytes())

    return asked(get)


@contextmanager
def as_os_errors(address: Address) -> Iterator[None]:
    """Turn errors of the library into OSError with one line that holds nothing of the server's but its error code.

    Raises
    ------
    FileNotFoundError, FileExistsError, PermissionError
        If there is no such object, one exists that may not, or access is denied.
    OSError
        With ``errno.EIO``: the server did not answer, or not as it should; it may do so later.
    """
    from obstore import exceptions as failures

    try:
        yield
    except (failures.AlreadyExistsError, failures.PreconditionError):
        raise FileExistsError(errno.EEXIST, "the object is there already, or not as it was") from None
    except FileNotFoundError as error:
        missing = "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error)
        reason = f"there is no bucket {address.bucket}" if missing else "no such object"
        raise FileNotFoundError(errno.ENOENT, reason) from None
    except (failures.PermissionDeniedError, failures.UnauthenticatedError) as error:
        raise PermissionError(errno.EACCES, _denied(str(error), address)) from None
    except failures.NotSupportedError:
        raise OSError(errno.ENOTSUP, "the server cannot write under a condition") from None
    except failures.BaseError as error:
        text = str(error)
        if "169.254." in text or "credential" in text.lower()[:200] or "metadata.google" in text:
            reason = f"no credentials are set: give {_HINTS[address.scheme]}"
            raise PermissionError(errno.EACCES, reason) from None
        raise OSError(errno.EIO, _unanswered(text)) from None
    except ValueError as error:
        raise OSError(errno.EINVAL, f"is no possible name of an object ({type(error).__name__})") from None


def _denied(text: str, address: Address) -> str:
    code = _code(text)
    if any(name in text for name in _UNKNOWN_KEYS):
        return f"the server does not accept the credentials ({code}): check {_HINTS[address.scheme]}"
    return f"access is denied ({code}): the credentials do not permit it"


def _code(text: str) -> str:
    found = re.search(r"<Code>([A-Za-z]{1,60})</Code>", text) or re.search(r"status code: (\d{3})", text)
    return found[1] if found else "no reason given"


def _unanswered(text: str) -> str:
    if "dns error" in text:
        return "the server's name is not known here: check the endpoint and the network"
    if "tcp connect error" in text or "ConnectionRefused" in text:
        return "no connection to the server: check the endpoint and the network"
    if re.search(r"timed ?out|TimedOut", text):
        return "the server does not answer in time"
    if "HTTP error" in text and "status code" not in text:
        return "the connection broke, or the answer was cut off"
    code = _code(text)
    if code in ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"):
        return f"the bucket is in another region ({code}): set AWS_REGION"
    return f"the server fails ({code})"
