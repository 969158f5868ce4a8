"""Hashes of the index's files: recorded at each commit, compared later. Knows files of tantivy, no articles.

`hashes.json` in the index folder names each file of the commit beside it, and ends with a hash of itself. A segment
file never changes after it was written. So a file that does not have its hash is damaged, and so is a `meta.json`
that is not the one of the last recorded commit: whoever wrote it was killed before its files could be compared.
Damaged means: the folder is not written to any more, and a new index is built from SQL.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import orjson
from xxhash import xxh3_128, xxh3_128_hexdigest

NAME = "hashes.json"
META = "meta.json"
CHUNK = 1 << 20
_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}\..+")
_ATTEMPTS = 100
"""Of reading a commit while merges replace it: each attempt that fails has seen another merge end."""


class HashMismatch(ValueError):
    """Files are not what was committed; the message names them."""


@dataclass(frozen=True, slots=True)
class FileHash:
    """What was recorded of one file. `stamp` is its size, time and inode: another one means it was replaced since."""

    digest: str
    stamp: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one commit; `meta` is the hash of its `meta.json`."""

    meta: str
    files: Mapping[str, FileHash]


def seal(line: bytes) -> bytes:
    """A line, and its hash below it."""
    return line + b"\n" + xxh3_128_hexdigest(line).encode()


def unseal(raw: bytes) -> bytes | None:
    """The line; None where it does not have its hash."""
    line, _, digest = raw.partition(b"\n")
    return line if digest == xxh3_128_hexdigest(line).encode() else None


def read_manifest(folder: Path) -> Manifest | None:
    """None where there is none, or where it is damaged itself."""
    try:
        return parse_manifest((folder / NAME).read_bytes())
    except OSError:
        return None


def parse_manifest(raw: bytes) -> Manifest | None:
    """What `hashes.json` says; None where it is damaged."""
    try:
        content = orjson.loads(unseal(raw) or b"")
        files = {name: FileHash(digest, tuple(stamp)) for name, (digest, stamp) in content["files"].items()}
        return Manifest(content["meta"], files)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def is_segment_file(name: str) -> bool:
    """Whether tantivy gives files of segments such names."""
    return _SEGMENT_FILE.fullmatch(name) is not None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replaces the former one at once. It is renamed before it is flushed: the shorter the time between the commit
    and this, the fewer kills end in a new index. A power cut between the two leaves one that fails its own hash."""
    files = {name: (file.digest, file.stamp) for name, file in manifest.files.items()}
    line = orjson.dumps({"meta": manifest.meta, "files": files})
    draft = folder / f"{NAME}.new"
    with draft.open("wb") as file:
        file.write(seal(line))
        file.flush()
        draft.replace(folder / NAME)
        os.fsync(file.fileno())


def check_replaced(folder: Path, manifest: Manifest) -> Manifest:
    """Compares the files that were replaced since they were recorded, as in a folder that was copied or restored; a
    `stat` a file where none was. The manifest with the stamps of now, or HashMismatch.

    Files that are gone are left to tantivy: it opens all of its last commit, and that may be a newer one.
    """
    files = dict(manifest.files)
    for name, recorded in manifest.files.items():
        with suppress(FileNotFoundError):
            stamp = make_stamp(os.stat(folder / name))
            if stamp != recorded.stamp:
                if wrong := compare_file(folder, name, recorded):
                    raise HashMismatch(wrong)
                files[name] = replace(recorded, stamp=stamp)
    return manifest if files == manifest.files else replace(manifest, files=files)


def check_last_commit(folder: Path, *, held: bool) -> Manifest:
    """What whoever goes on writing to the folder may trust; HashMismatch says why it may not.

    `held`: nobody else writes to it. Then the stamps of replaced files are written down, and what a killed writer has
    left is removed: the next commit could need a file of the same name, and tantivy overwrites none.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise HashMismatch("its files have no hashes")
    if not has_meta(folder, manifest):
        raise HashMismatch("its last commit was not recorded")
    current = check_replaced(folder, manifest)
    if held and current is not manifest:
        write_manifest(folder, current)
    if held:
        _remove_orphans(folder, current)
    return current


def _remove_orphans(folder: Path, manifest: Manifest) -> None:
    for name in os.listdir(folder):
        if is_segment_file(name) and name not in manifest.files:
            (folder / name).unlink(missing_ok=True)


def has_meta(folder: Path, manifest: Manifest) -> bool:
    """Whether the last commit is the one that was recorded."""
    try:
        return is_meta((folder / META).read_bytes(), manifest)
    except OSError:
        return False


def is_meta(meta: bytes, manifest: Manifest) -> bool:
    """Whether this `meta.json` is that of the recorded commit."""
    return xxh3_128_hexdigest(meta) == manifest.meta


def compare_file(folder: Path, name: str, recorded: FileHash, pause: Callable[[int], None] | None = None) -> str | None:
    """None where the file has its hash, else what is wrong with it."""
    try:
        with (folder / name).open("rb", buffering=0) as file:
            if file.seek(0, os.SEEK_END) != recorded.stamp[0]:
                return f"{name} has another size"
            return (
                None if _compute_digest(file.fileno(), pause) == recorded.digest else f"{name} does not have its hash"
            )
    except FileNotFoundError:
        return f"{name} is missing"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"


class HashRecorder:
    """Records the commits of one writer, from before it is opened to after its merges.

    It keeps the recorded files open meanwhile. A merge copies what its sources say into new files and deletes the
    sources: damage would get a hash of its own. So each file that is gone after a commit is compared for the last
    time, and a mismatch raises HashMismatch before the new files are recorded.
    """

    def __init__(self, folder: Path, manifest: Manifest | None) -> None:
        self._folder = folder
        self._manifest = manifest or Manifest("", {})
        self._open: dict[str, int] = {}

    def __enter__(self) -> "HashRecorder":
        for name in self._manifest.files:
            self._open_file(name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    def record(self) -> Manifest:
        """What the last commit consists of, written down. OSError where that fails."""
        for _ in range(_ATTEMPTS):
            raw = (self._folder / META).read_bytes()
            meta = xxh3_128_hexdigest(raw)
            # Nothing was committed since: the merges that were waited for had nothing to do.
            if meta == self._manifest.meta:
                return self._manifest
            names = _live_files(self._folder, raw)
            try:
                files = {name: self._manifest.files.get(name) or self._hash_file(name) for name in names}
            except FileNotFoundError:  # a merge has ended since, and this was one of its sources
                continue
            self._compare_gone(names)
            self._manifest = Manifest(meta, files)
            write_manifest(self._folder, self._manifest)
            return self._manifest
        raise OSError(f"{self._folder.name} does not come to rest")

    def _open_file(self, name: str) -> int:
        fd = self._open[name] = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        return fd

    def _hash_file(self, name: str) -> FileHash:
        fd = self._open[name] if name in self._open else self._open_file(name)
        return FileHash(_compute_digest(fd), make_stamp(os.fstat(fd)))

    def _compare_gone(self, names: set[str]) -> None:
        for name, recorded in self._manifest.files.items():
            fd = self._open.get(name)
            if name not in names and fd is not None:
                if _compute_digest(fd) != recorded.digest:
                    raise HashMismatch(f"{name} did not have its hash when it was merged")
                os.close(self._open.pop(name))


def _live_files(folder: Path, meta: bytes) -> set[str]:
    """The names of the files that a `meta.json` of tantivy 0.27 stands for: `{segment}.{component}`, and of the
    deletions only `{segment}.{opstamp}.del` of its own stamp; older ones wait to be deleted."""
    segments = orjson.loads(meta)["segments"]
    ids = {segment["segment_id"].replace("-", ""): segment.get("deletes") for segment in segments}
    return set(_list_files(ids, os.listdir(folder)))


def _list_files(ids: Mapping[str, Mapping[str, int] | None], names: list[str]) -> Iterator[str]:
    for name in names:
        segment, _, component = name.partition(".")
        if segment in ids:
            deletes = ids[segment]
            if not component.endswith("del") or (deletes and component == f"{deletes['opstamp']}.del"):
                yield name


def make_stamp(status: os.stat_result) -> tuple[int, int, int]:
    """Of a file that is recorded: see FileHash."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def _compute_digest(fd: int, pause: Callable[[int], None] | None = None) -> str:
    """Of the whole file, whatever was read of it before."""
    hasher, offset = xxh3_128(), 0
    # At a place of its own: the descriptor's is shared with whoever else has the file open.
    while piece := os.pread(fd, CHUNK, offset):
        hasher.update(piece)
        offset += len(piece)
        if pause is not None:
            pause(len(piece))
    return hasher.hexdigest()
