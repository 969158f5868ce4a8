"""What a folder holds: files to read, files that are refused by name where they are read, and files that belong to a
site and are no articles, such as its pictures and styles. Reads heads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from app.importers.formats import csv_head, detect

ASSETS = frozenset(
    (
        *("assets", "asset", "static", "public", "images", "image", "img", "media", "uploads", "files", "fonts", "css"),
        *("js", "themes", "theme", "resources", "_site", "_sass", "_layouts", "_includes", "content_images"),
    )
)
"""Folders of sites and exports whose pictures, films and fonts belong to articles and are none."""
SITES = ("_config.yml", "_config.yaml", "_config.toml", "hugo.toml", "hugo.yaml", "hugo.json", "config.toml")
LEFT_OUT = "left out of the folder: {} are read only where they are named themselves"
TOLD = frozenset(("nitf", "newsml", "wxr", "ghost", "medium", "zip"))
"""Formats that their content alone tells, whatever a file is called."""
PRIVATE = "left out of the folder: what an export has beside its posts, such as lists of readers"
ASSET = "left out of the folder: pictures, films and fonts of the site"


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A file; `left_out` says why it is not read, `export` that it is the list of a Substack export."""

    path: Path
    left_out: str | None = None
    export: bool = False


def list_entries(root: Path) -> list[FolderEntry]:
    """The files in a folder and those below it, in the order of their names, but for hidden ones."""
    files = sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    exported = {path.parent for path in files if is_substack_list(path)}
    medium = _find_medium_folders(files) - exported
    is_site = any((root / name).is_file() for name in SITES)
    return [entry for path in files for entry in _read_entry(path, root, exported, medium, is_site=is_site)]


def _find_medium_folders(files: list[Path]) -> set[Path]:
    """The folders of Medium's exports: those with pages of Medium in `posts`."""
    pages = {path.parent: path for path in files if path.parent.name == "posts" and path.suffix.lower() == ".html"}
    return {
        folder.parent for folder, path in pages.items() if detect.detect_format(path.name, _read_head(path)) == "medium"
    }


def _read_entry(
    path: Path, root: Path, exported: set[Path], medium: set[Path], *, is_site: bool
) -> Iterator[FolderEntry]:
    if path.parent in exported and path.name == "posts.csv":
        yield FolderEntry(path, export=True)
    elif any(path.is_relative_to(folder / "posts") for folder in exported):
        return  # read with their list
    elif any(path.is_relative_to(folder) and path.parent.name != "posts" for folder in (*medium, *exported)):
        yield FolderEntry(path, PRIVATE)
    else:
        yield FolderEntry(
            path, None if path.suffix.lower() in detect.SUFFIXES else _explain_left_out(path, root, is_site=is_site)
        )


def is_substack_list(path: Path) -> bool:
    """Whether it is the list of posts of an export of Substack, with the posts beside it."""
    return (
        path.name == "posts.csv"
        and (path.parent / "posts").is_dir()
        and csv_head.is_substack_list(_read_head(path).decode("utf-8", "replace"))
    )


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(detect.HEAD)
    except OSError:
        return b""


def _explain_left_out(path: Path, root: Path, *, is_site: bool) -> str | None:
    """Why a file that is not called like an article is passed over; None where reading it is to say what it is."""
    head = _read_head(path)
    try:
        format_name = detect.choose_parser(path.name, head)
    except detect.NotText as error:
        if error.is_part:
            return _describe_unread(path)
        inside = PurePath(path.relative_to(root)).parts[:-1]
        return ASSET if error.is_asset and (is_site or ASSETS & {part.lower() for part in inside}) else None
    return None if format_name in TOLD else _describe_unread(path)


def _describe_unread(path: Path) -> str:
    suffix = path.suffix.lower()
    return LEFT_OUT.format(f"{suffix} files" if 1 < len(suffix) < 10 else "files without a suffix that is known")
