"""Reads a scenario's file without importing it: it imports locust, which patches the whole process.

The file declares OPERATIONS and PARAMETERS as data for the harness. Locust's options are made from the same PARAMETERS
(locustfiles/_options.py).
"""

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from suite import toml_files
from suite.errors import CatalogueError
from suite.lookup import nearest

Scalar = str | int | float
Text = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
USER = "ServiceUser"
HOW = "see docs/adding-a-service.md"


class Parameter(BaseModel):
    """A parameter for [matrix.parameters] and the web UI's form: a number from `low` to `high`, or one of `choices`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: Literal["int", "float", "str"] = Field(description='"int", "float" or "str"')
    default: Scalar = Field(description="its value if no plan and no option sets it")
    low: Finite | None = None
    high: Finite | None = None
    choices: tuple[Text, ...] | None = None
    help: Text = Field(description="what it sets, in one sentence: the label of its field in the web UI")

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Parameter":
        if self.type == "str" and (self.low is not None or self.high is not None):
            raise ValueError("low and high are for type int or float; use choices")
        if self.type != "str" and self.choices is not None:
            raise ValueError("choices are for type str; use low and high")
        if self.choices == ():
            raise ValueError("choices needs at least one")
        if why := self.refusal(self.default):
            raise ValueError(f"the default {self.default!r} {why}")
        return self

    def refusal(self, value: Any) -> str:
        """Why a value is not allowed, as the end of a sentence. Empty if it is allowed."""
        if self.type == "str":
            if not isinstance(value, str):
                return "is not a text"
            names = self.choices or (value,)
            return "" if value in names else f"is not one of {', '.join(names)}{nearest(value, names)}"
        kinds = {"int": int, "float": int | float}[self.type]
        is_number = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
        low, high = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        return "" if is_number and low <= value <= high else f"is not {self.allowed}"

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.type == "str":
            return f"one of {', '.join(self.choices)}" if self.choices else "a text"
        low, high = (None if end is None else f"{end:,g}" for end in (self.low, self.high))
        span = f" from {low} to {high}" if low and high else f" of at least {low}" if low else f" up to {high}"
        return f"a {'whole ' * (self.type == 'int')}number{span if low or high else ''}"

    def of_text(self, text: str) -> Scalar:
        """Parse the text of an option or of a form's field. Raises ValueError that names the allowed values."""
        value: Scalar = text
        if self.type != "str":
            try:
                value = int(text) if self.type == "int" else float(text)
            except ValueError:
                raise ValueError(f"{text} is not {self.allowed}") from None
        if why := self.refusal(value):
            raise ValueError(f"{text} {why}")
        return value


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    OPERATIONS: tuple[Text, ...] = Field(
        min_length=1, description='the names of the operations it calls: OPERATIONS = ("read_user",)'
    )
    PARAMETERS: dict[str, Parameter] = {}


@dataclass(frozen=True)
class Read:
    """The content of a scenario's file. `user` is the name of its class."""

    summary: str
    operations: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    user: str


def read(path: Path, shown: str) -> Read:
    """Read a scenario's file. Raises CatalogueError that names the file (as `shown`), the problem and the remedy."""
    try:
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        raise CatalogueError(f"cannot read {shown}: {error.strerror}") from None
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise CatalogueError(f"{shown}{line}: not Python: {getattr(error, 'msg', error)}") from None
    found = declared(_literals(tree, shown), shown)
    user = next((node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_user(node)), "")
    if not user:
        raise CatalogueError(f"{shown}: no class inherits from {USER}: write class Name({USER}); {HOW}")
    summary = (ast.get_docstring(tree) or path.stem).partition("\n")[0]
    return Read(summary, found.OPERATIONS, found.PARAMETERS, user)


def declared(written: Mapping[str, Any], shown: str) -> _Declared:
    """Check OPERATIONS and PARAMETERS. Raises CatalogueError."""
    try:
        return _Declared.model_validate(_in_tuples(written))
    except ValidationError as error:
        problem = toml_files.first(error)
        key = ".".join(map(str, problem["loc"]))
        raise CatalogueError(f"{toml_files.said(problem, _Declared, shown, key)}; {HOW}") from None


def parameters(written: Mapping[str, Any], shown: str) -> Mapping[str, Parameter]:
    """Check PARAMETERS alone. Raises CatalogueError."""
    return declared({"OPERATIONS": ("any",), "PARAMETERS": written}, shown).PARAMETERS


def _in_tuples(value: Any) -> Any:
    """Convert lists to tuples: a file may use either."""
    if isinstance(value, dict):
        return {name: _in_tuples(one) for name, one in value.items()}
    return tuple(map(_in_tuples, value)) if isinstance(value, list | tuple) else value


def _literals(tree: ast.Module, shown: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _assigned(tree):
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError):
            raise CatalogueError(
                f"{shown}, line {value.lineno}: {name} is computed, but the file is read without running it; write"
                " the values out"
            ) from None
    return found


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The declarations of the file, by name."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            named = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            named = [(node.target, node.value)]
        else:
            continue
        yield from (
            (one.id, value) for one, value in named if isinstance(one, ast.Name) and one.id in _Declared.model_fields
        )


def _is_user(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", getattr(base, "attr", "")) == USER for base in node.bases)
