"""Reads TOML files of users, and words their errors by file, key and value. Pure, except for reading."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from suite.errors import BenchError
from suite.lookup import nearest

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
OF_A_KEY = "[key]"  # pydantic's mark for the key of a table


def tables(path: Path, error: type[BenchError], kind: str, shown: object = None) -> dict[str, Any]:
    """The content of a TOML file. `kind` is its name in messages, such as "plan". Raises `error`."""
    shown = path if shown is None else shown
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"there is no {kind} {str(shown)!r}") from None
    except (OSError, UnicodeDecodeError) as why:
        raise error(f"cannot read the {kind} {str(shown)!r}: {why}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as why:  # RecursionError: too many nested brackets
        raise error(f"{shown}: not TOML: {why}") from None


def first(error: ValidationError) -> ErrorDetails:
    """The problem to report: a misspelt key comes first, because it can be the cause of a missing key."""
    return min(error.errors(), key=lambda one: one["type"] not in UNKNOWN and OF_A_KEY not in one["loc"])


def said(problem: ErrorDetails, model: type[BaseModel], where: object, key: str, named: str = "") -> str:
    """A problem in words. `where` is the file, `key` the wrong key. For a value, `named` replaces both."""
    location = problem["loc"]
    if problem["type"] in UNKNOWN or location[-1:] == (OF_A_KEY,):
        path = [part for part in location if part != OF_A_KEY]
        known = _keys(model, path[:-1])
        return f"{where}: unknown key {key!r}{nearest(str(path[-1]), known)}; there are: {', '.join(known)}"
    if problem["type"] in {"missing", "missing_argument"}:
        what = _description(model, location)
        return f"{where}: {key} is missing" + (f": it is {what}" if what else "")
    named = named or f"{where}: {key}"
    return f"{named}: {words(problem)}" if isinstance(problem["input"], dict) else refused(named, problem)


def refused(named: str, problem: ErrorDetails) -> str:
    """A refused value in words: its name, the value and the problem."""
    return f"{named}: {_shown(problem['input'])}: {words(problem)}"


def words(problem: ErrorDetails) -> str:
    """The message of pydantic or of one of our validators."""
    return problem["msg"].removeprefix("Value error, ")


def _shown(value: object) -> str:
    """The value as it was written, without user and password of an address."""
    return re.sub(r"//[^/]*@", "//***@", repr(value))


def _keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The known keys at a place."""
    kind = _kind(model, location)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(kind.model_fields)
    if isinstance(kind, type) and is_dataclass(kind):
        return [one.name for one in fields(kind)]
    return [str(one) for one in get_args(_plain(get_args(kind)[0]))] if get_origin(kind) in {dict, Mapping} else []


def _kind(model: Any, location: Sequence[int | str]) -> Any:
    """The expected type at a place: a model, a dataclass, a table or a list of these."""
    kind = model
    for part in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        elif get_args(kind):
            kind = get_args(kind)[-1]
        kind = _plain(kind)
    return kind


def _plain(kind: Any) -> Any:
    """A type without its annotations, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    others = [one for one in get_args(kind) if one is not NoneType]
    return others[0] if NoneType in get_args(kind) and get_origin(kind) is not Literal else kind


def _description(model: type[BaseModel], location: Sequence[int | str]) -> str:
    kind = _kind(model, location[:-1])
    known = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
    field = known.get(str(location[-1]))
    return (field.description if field else None) or ""
