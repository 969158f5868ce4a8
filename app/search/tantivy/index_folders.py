"""Where indexes lie: `CURRENT` names the live folder beside it. Knows files, no fields and no articles."""

import os
import re
import secrets
import shutil
from pathlib import Path

_NAME = re.compile(r"[0-9a-z-]{1,64}")


def find_current(root: Path) -> Path | None:
    """The live folder; None where none is named."""
    try:
        name = (root / "CURRENT").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return root / name if _NAME.fullmatch(name) else None


def create_folder(root: Path) -> Path:
    """A new, empty folder beside the live one."""
    folder = root / f"index-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def make_current(root: Path, folder: Path) -> None:
    """Makes `folder` the live one at once and for good, also across a power cut."""
    draft = root / f"CURRENT.{secrets.token_hex(4)}"
    with draft.open("w", encoding="ascii") as file:
        file.write(folder.name + "\n")
        file.flush()
        os.fsync(file.fileno())
    # Flushed before it gets its name, and the folder after it: a power cut leaves the old name or the new one whole.
    draft.replace(root / "CURRENT")
    directory = os.open(root, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def request_rebuild(root: Path) -> None:
    """Asks whoever writes the index for a new one."""
    (root / "WANTED").touch()


def is_rebuild_requested(root: Path) -> bool:
    return (root / "WANTED").exists()


def begin_rebuild(root: Path) -> Path:
    """A folder for what was asked for, if it was."""
    (root / "WANTED").unlink(missing_ok=True)
    return create_folder(root)


def delete_old_folders(root: Path) -> None:
    """Deletes every folder but the live one. Whoever reads one has it mapped, and Linux keeps it until they let go."""
    live = find_current(root)
    for folder in root.glob("index-*"):
        if folder != live:
            shutil.rmtree(folder, ignore_errors=True)
    for draft in root.glob("CURRENT.*"):
        draft.unlink(missing_ok=True)
