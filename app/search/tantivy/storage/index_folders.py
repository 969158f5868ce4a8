"""Where indexes of this version's form lie: `CURRENT` names the live folder beside it. `root` is the archive's index
folder, in which each form has its own. Knows files, no fields and no articles."""

import os
import re
import secrets
import shutil
from pathlib import Path

from app.search.tantivy.storage.index_forms import CURRENT, locate_form

_NAME = re.compile(r"[0-9a-z-]{1,64}")


def find_current(root: Path) -> Path | None:
    """The live folder; None where none is named."""
    return _read_current(locate_form(root))


def find_formless(root: Path) -> Path | None:
    """The live folder of a version before forms, in `root` itself."""
    return _read_current(root)


def _read_current(folder: Path) -> Path | None:
    try:
        name = (folder / CURRENT).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return folder / name if _NAME.fullmatch(name) else None


def create_folder(root: Path) -> Path:
    """A new, empty folder beside the live one."""
    folder = locate_form(root) / f"index-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def make_current(root: Path, folder: Path) -> None:
    """Makes `folder` the live one at once and for good, also across a power cut."""
    form = locate_form(root)
    draft = form / f"{CURRENT}.{secrets.token_hex(4)}"
    with draft.open("w", encoding="ascii") as file:
        file.write(folder.name + "\n")
        file.flush()
        os.fsync(file.fileno())
    # Flushed before it gets its name, and the folder after it: a power cut leaves the old name or the new one whole.
    draft.replace(form / CURRENT)
    directory = os.open(form, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def request_rebuild(root: Path) -> None:
    """Asks whoever writes the index for a new one."""
    (locate_form(root) / "WANTED").touch()


def is_rebuild_requested(root: Path) -> bool:
    return (locate_form(root) / "WANTED").exists()


def begin_rebuild(root: Path) -> Path:
    """A folder for what was asked for, if it was."""
    (locate_form(root) / "WANTED").unlink(missing_ok=True)
    return create_folder(root)


def delete_old_folders(root: Path) -> None:
    """Deletes every folder of this form but the live one. Whoever reads one has it mapped, and Linux keeps it until
    they let go."""
    form, live = locate_form(root), find_current(root)
    for folder in form.glob("index-*"):
        if folder != live:
            shutil.rmtree(folder, ignore_errors=True)
    for draft in form.glob(f"{CURRENT}.*"):
        draft.unlink(missing_ok=True)
