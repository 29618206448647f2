"""Makes a new service or scenario: a copy of an existing one under another name."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from suite import catalogue
from suite.catalogue import Scenario
from suite.errors import UsageError
from suite.service import Service

SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]*_(sync|async)")
SCENARIO_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class NewService:
    """What a new service is called, what it is a copy of, and the libraries that it has beside that one's."""

    name: str
    like: Service
    title: str
    port: int
    libraries: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it goes."""
        return catalogue.SERVICES / self.name


def service(name: str, like: str | None, title: str | None, libraries: Sequence[str]) -> NewService:
    """Decide on a new service. Raises UsageError for a name that is wrong or taken."""
    if not SERVICE_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a service: it is the library and its mode, such as ormar_async or pony_sync"
        )
    if (catalogue.SERVICES / name).exists():
        raise UsageError(f"services/{name} is there already; choose another name")
    mode = name.rpartition("_")[2]
    whole = [one for one in catalogue.usual().values() if one.needs_database and one.mode == mode]
    chosen = catalogue.service(like) if like else catalogue.service(nearest(name, [one.name for one in whole]))
    if chosen.mode != mode:
        raise UsageError(
            f"services/{chosen.name} is {chosen.mode}, and {name} is to be {mode}; name another with --like"
        )
    return NewService(
        name,
        chosen,
        title or f"{name.rpartition('_')[0]} ({mode})",
        catalogue.free_port(),
        tuple(one for one in dict.fromkeys(libraries) if one not in chosen.libraries),
    )


def nearest(name: str, names: Sequence[str]) -> str:
    """The name that begins most like this one, of equals the most like it as a whole, of these the first."""

    def likeness(one: str) -> tuple[int, float]:
        begins = takewhile(lambda letters: letters[0] == letters[1], zip(name, one, strict=False))
        return len(list(begins)), difflib.SequenceMatcher(a=name, b=one).ratio()

    return max(names, key=likeness)


def write_service(new: NewService) -> list[Path]:
    """Write its files, and return them."""
    old = catalogue.SERVICES / new.like.name
    new.folder.mkdir()
    written = []
    for source in sorted(path for path in old.iterdir() if path.suffix in {".py", ".toml"}):
        text = source.read_text(encoding="utf-8").replace(f"services.{new.like.name}", f"services.{new.name}")
        text = text.replace(f'title="{new.like.title}"', f'title="{new.title}"')
        if source.name == "service.toml":
            text = _described(text, new)
        target = new.folder / source.name
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def _described(text: str, new: NewService) -> str:
    # These are about the other library.
    text = re.sub(r"(?m)^(follows|state) = .*\n|^\[release\]\n(\w+ = .*\n)*\n", "", text)
    more = "".join(f'"{one}", ' for one in new.libraries)
    lines = {
        "title": ("title = .*", f'title = "{new.title}"'),
        "port": ("port = .*", f"port = {new.port}"),
        "libraries": (r"libraries = \[", f"libraries = [{more}"),
    }
    for key, (old, written) in lines.items():
        text, count = re.subn(f"(?m)^{old}", written, text, count=1)
        if not count:
            raise UsageError(
                f"services/{new.like.name}/service.toml has no line `{key} = ...`; name another with --like"
            )
    return text


def scenario(name: str, like: str | None) -> tuple[Scenario, Path]:
    """The scenario to copy, and the file to write. Raises UsageError for a name that is wrong or taken."""
    if not SCENARIO_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a scenario: write small letters, digits and _, such as newest_users")
    path = catalogue.SCENARIOS / f"{name}.py"
    if path.exists():
        raise UsageError(f"locustfiles/{name}.py is there already; choose another name")
    return catalogue.scenario(like or nearest(name, list(catalogue.scenarios()))), path


def write_scenario(like: Scenario, path: Path) -> None:
    """Write a copy whose class has its own name."""
    own = "".join(part.capitalize() for part in path.stem.split("_"))
    text = like.path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"\b{like.user}\b", own, text), encoding="utf-8")
