"""A folder for each form of the index, below the archive's index folder (`root`): what this version writes and reads
lies in that of its own form, and no other version touches it. Knows files, no articles.

A form is what an index holds and how: `ANALYSIS`, tantivy's version, and the fingerprint of the fields. The first two
tell which of two forms is older. Versions before 0.2 had one index, in `root` itself: it is older than all forms.
"""

import functools
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from app.db.file_locks import FileLock
from app.search.tantivy import index_schema

CURRENT, LOCK = "CURRENT", "writer-lock"
_FORM = re.compile(r"form-([0-9]{1,9})-([0-9A-Za-z.]{1,32})-([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class IndexForm:
    """What an index holds, and how."""

    analysis: int
    engine: str
    fingerprint: str

    @property
    def folder_name(self) -> str:
        return f"form-{self.analysis}-{self.engine}-{self.fingerprint}"

    @property
    def age(self) -> tuple[int, ...]:
        """The lower, the older; forms of one age are made by programs that nothing tells the order of."""
        return self.analysis, *(int(number) for number in re.findall(r"[0-9]+", self.engine))


@functools.cache
def get_own_form() -> IndexForm:
    """The form of this version."""
    return IndexForm(index_schema.ANALYSIS, version("tantivy"), index_schema.compute_fingerprint())


def parse_form(folder_name: str) -> IndexForm | None:
    """None where a folder of this name holds no form."""
    match = _FORM.fullmatch(folder_name)
    return IndexForm(int(match[1]), match[2], match[3]) if match else None


def locate_form(root: Path) -> Path:
    """The folder of this version's form, which need not exist."""
    return root / get_own_form().folder_name


def list_others(root: Path, *, older: bool) -> list[Path]:
    """Folders that hold an index of another form: of an older one only, or of any. The oldest first."""
    own = get_own_form()
    forms = sorted(_list_forms(root), key=lambda entry: entry[0].age)
    others = [folder for form, folder in forms if form != own and (not older or form.age < own.age)]
    has_formless = (root / CURRENT).exists() or any(root.glob("index-*"))
    return [root, *others] if has_formless else others


def _list_forms(root: Path) -> Iterator[tuple[IndexForm, Path]]:
    for folder in root.glob("form-*"):
        form = parse_form(folder.name)
        if form is not None and folder.is_dir():
            yield form, folder


def delete_others(root: Path, *, older: bool = True) -> list[Path]:
    """Deletes the indexes of older forms, or of all others, but for those that a process writes; returns these. OSError
    where one cannot be deleted."""
    return [folder for folder in list_others(root, older=older) if not _delete(folder, keeps_folder=folder == root)]


def _delete(folder: Path, *, keeps_folder: bool) -> bool:
    lock = FileLock(folder / LOCK)
    if not lock.try_hold():
        return False
    try:
        # First what leads to the rest: nobody opens an index that is half gone, and who has it open keeps its files.
        (folder / CURRENT).unlink(missing_ok=True)
        for name in ("index-*", "CURRENT.*", "WANTED", "BUILDING*"):
            for path in folder.glob(name):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if not keeps_folder:
            shutil.rmtree(folder)
    finally:
        lock.close()
    return True
