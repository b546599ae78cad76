"""Where sealed evidence lies: in the home, or in any store that fsspec knows, as the home's `evidence.yaml` says.

    url: s3://bucket/prefix            # credentials come from the environment, as the store's own programs read them

A file is always made in the home first. With a store it is sent whole, read back, and only then spoken of in the
database; the home's copy goes after that. An object is never replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import fsspec
import yaml

from crawler.errors import RelicwatchError
from crawler.home import Home
from evidence.segments import StoreError

FILE = "evidence.yaml"
ORPHANS = "orphans"
_PIECE = 1 << 20
_PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}


class StoreSettingsError(RelicwatchError):
    """`evidence.yaml` is not as it should be, or names a store that nothing here can speak to."""


class StoreObjectDamaged(StoreError):
    """What the store gives is not what was sent to it."""


class EvidenceStore:
    """The evidence of one home. Files are named by their path in the home, wherever their bytes are."""

    def __init__(self, home: Home) -> None:
        """Asks nothing of the store yet. Raises StoreSettingsError."""
        self.home = home
        self.url = _url_of(home)
        self._system: Any = None
        self._root = ""
        if self.url is not None:
            self._system, self._root = _file_system(home.root / FILE, self.url)

    def place(self, path: Path) -> str:
        """Where a reader of a message would look for it."""
        return str(path) if self._system is None or path.is_file() else f"{self.url}/{self._name(path)}"

    def open(self, path: Path) -> IO[bytes]:
        """To be read and sought in; of an object only the parts that are asked for are fetched.

        Raises FileNotFoundError where it is nowhere, StoreError where the store does not answer.
        """
        if self._system is None or path.is_file():
            return path.open("rb")
        with self._explained(f"{self._name(path)} cannot be read"):
            opened: IO[bytes] = self._system.open(self._key(path), "rb")
            return opened

    def read(self, path: Path) -> bytes:
        """All bytes. Raises as `open` does."""
        with self.open(path) as file, self._explained(f"{self._name(path)} cannot be read"):
            return file.read()

    def has(self, path: Path) -> bool:
        """Raises StoreError where the store does not answer."""
        if path.is_file():
            return True
        return self._system is not None and self._size(path) is not None

    def send(self, path: Path) -> None:
        """Put a file of the home into the store for good: whole, never over another, read back and compared.

        Nothing to do where the home is the store. Raises StoreError; the home's file is there still.
        """
        if self._system is None:
            return
        sha256 = _sha256(path.open("rb"))
        with self._explained(f"{self._name(path)} was not kept"):
            if self._size(path) is not None:
                if self._sha256_there(path) == sha256:
                    return  # a run that was killed after sending it
                self.set_aside(self._name(path))
            # Where the answer to a first try was lost, a second finds the object there: what it holds decides.
            with contextlib.suppress(FileExistsError):
                self._system.put_file(str(path), self._key(path), mode="create")
            found = self._sha256_there(path)
        if found != sha256:
            raise StoreObjectDamaged(
                f"The evidence store {self.url} gave back {self._name(path)} with SHA-256 {found} where {sha256} was "
                "sent: see to the store, then start the job again."
            )

    def release(self, path: Path) -> None:
        """The home's copy of what the store holds and the database knows."""
        if self._system is not None:
            path.unlink(missing_ok=True)

    def delete(self, path: Path) -> int:
        """Delete the store's object, as retention asks; its bytes, 0 where there is none. Raises StoreError."""
        size = self._size(path) if self._system is not None else None
        if size is None:
            return 0
        with self._explained(f"{self._name(path)} cannot be deleted"):
            self._system.rm_file(self._key(path))
        return size

    def objects(self) -> dict[str, int]:
        """Bytes by name (path below the home) of all that the store holds, orphans left out; none without a store."""
        if self._system is None:
            return {}
        with self._explained("it cannot be listed"):
            found = self._system.find(self._root, detail=True)
            names = {key.removeprefix(f"{self._root}/"): int(told["size"]) for key, told in found.items()}
            return {name: size for name, size in names.items() if not name.startswith(f"{ORPHANS}/")}

    def orphans(self) -> dict[str, tuple[int, datetime]]:
        """Bytes and time of all that was set aside, by its name below `orphans/`; none without a store.

        Raises StoreError where the store does not answer.
        """
        if self._system is None:
            return {}
        with self._explained("what was set aside cannot be listed"):
            found = self._system.find(f"{self._root}/{ORPHANS}", detail=True)
        return {key.rpartition("/")[2]: (int(told["size"]), _modified(told)) for key, told in found.items()}

    def sha256(self, path: Path) -> str:
        """Of the file as it lies in the home or the store. Raises as `open` does."""
        with self._explained(f"{self._name(path)} cannot be read"):
            return _sha256(self.open(path))

    def set_aside(self, name: str) -> None:
        """Move an object that no row tells of below `orphans/`; nothing is deleted."""
        with self._explained(f"{name} cannot be set aside"):
            digest = _sha256(self._system.open(f"{self._root}/{name}", "rb"))
            self._system.mv(f"{self._root}/{name}", f"{self._root}/{ORPHANS}/{digest[:16]}-{name.replace('/', '-')}")

    @contextmanager
    def nearby(self, paths: Iterable[Path], workspace: Path) -> Iterator[Home]:
        """A home that has these files on this computer: our own, or one in `workspace` with copies until the end.

        A file that is nowhere is left out. Raises StoreError where the store does not answer.
        """
        if self._system is None:
            yield self.home
            return
        near = Home(workspace / "nearby")
        try:
            for path in paths:
                copy = near.root / path.relative_to(self.home.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                with (
                    contextlib.suppress(FileNotFoundError),
                    self.open(path) as source,
                    copy.open("wb") as target,
                    self._explained(f"{self._name(path)} cannot be read"),
                ):
                    shutil.copyfileobj(source, target, _PIECE)
            yield near
        finally:
            shutil.rmtree(near.root, ignore_errors=True)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.home.root).as_posix()

    def _key(self, path: Path) -> str:
        return f"{self._root}/{self._name(path)}"

    def _size(self, path: Path) -> int | None:
        with self._explained(f"{self._name(path)} cannot be looked for"):
            try:
                return int(self._system.info(self._key(path))["size"])
            except FileNotFoundError:
                return None

    def _sha256_there(self, path: Path) -> str:
        return _sha256(self._system.open(self._key(path), "rb"))

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except RelicwatchError:
            raise
        except Exception as error:  # each store's library has errors of its own
            if self._system is None:
                raise
            if isinstance(error, FileNotFoundError):
                if "bucket" not in str(error):
                    raise
                advice = "make the bucket, or mend evidence.yaml"
            elif isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
                advice = "give credentials that may do that in the environment"
            else:
                advice = "see that the store runs and is reached, then start the job again"
            raise self._error(what, error, advice) from error

    def _error(self, what: str, error: Exception, advice: str) -> StoreError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return StoreError(f"The evidence store {self.url}: {what} ({reason}): {advice}.")


def _modified(told: Mapping[str, Any]) -> datetime:
    """When an object was last written. Stores tell it under names of their own; one that does not is taken as new."""
    moment = next((told[name] for name in ("LastModified", "mtime", "created") if told.get(name)), None)
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC)
    if not isinstance(moment, datetime):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _url_of(home: Home) -> str | None:
    path = home.root / FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StoreSettingsError(f"{path} cannot be read ({' '.join(str(error).split())}).") from error
    url = content.get("url") if isinstance(content, dict) and set(content) == {"url"} else None
    if not isinstance(url, str) or "://" not in url:
        raise StoreSettingsError(f"{path} should hold one line such as `url: s3://bucket/prefix`, and nothing else.")
    if "@" in url:
        raise StoreSettingsError(f"{path}: credentials belong into the environment, not into the address.")
    return url.rstrip("/")


def _file_system(settings: Path, url: str) -> tuple[Any, str]:
    s3 = url.startswith(("s3://", "s3a://"))
    # Another process writes too, so nothing that was listed before is believed.
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if s3:
        options["config_kwargs"] = _PATIENCE
    try:
        system, root = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        wanted = "relicwatch[s3]" if s3 else str(error)
        raise StoreSettingsError(f"{settings}: {url} needs a package that is not here: {wanted}.") from error
    except ValueError as error:
        raise StoreSettingsError(f"{settings}: {url} is no store that can be spoken to ({error}).") from error
    return system, str(root).rstrip("/")


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    with file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
