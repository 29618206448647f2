"""Checks the values of the web UI's form as the command line would."""

import argparse
from collections.abc import Sequence

from locust import argument_parser

from suite.lookup import nearest


def problem(form: Sequence[tuple[str, str]]) -> str:
    """The first value that an option of the suite would refuse, in words. Empty if all are accepted.

    Locust itself only converts a value to the previous type of the field.
    """
    options = argument_parser.get_parser().args_included_in_web_ui
    own = set(argument_parser.ui_extra_args_dict())
    for name, text in form:
        if name in own and (refused := _refused(options[name], text)):
            return f"{name.replace('_', ' ')}: {refused}"
    return ""


def _refused(option: argparse.Action, text: str) -> str:
    kind = option.type
    for part in text.split(",") if option.nargs else [text]:
        if option.choices is not None and part not in option.choices:
            names = list(map(str, option.choices))
            return f"there is no {part!r}{nearest(part, names)}; there are: {', '.join(names)}"
        if callable(kind):
            try:
                kind(part)
            except argparse.ArgumentTypeError as error:
                return str(error)
            except ValueError:
                return f"{part!r} is not a number"
    return ""
