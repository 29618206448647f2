"""Checks the values of the web UI's form as the command line would."""

import argparse
from collections.abc import Callable, Sequence

from locust import argument_parser

from locustfiles import _options
from suite.lookup import nearest

# Locust's own fields, by what the form calls them. Locust takes 0 users, and then nothing happens.
OF_LOCUST = {
    "user_count": ("number of users", _options.whole(1, _options.MOST)),
    "spawn_rate": ("ramp up", _options.positive),
}


def problem(form: Sequence[tuple[str, str]], *, is_shaped: bool = False) -> str:
    """The first value that an option would refuse, in words. Empty if all are accepted.

    Of the suite's options, Locust itself only converts a value to the previous type of the field. A load shape decides
    the number of users itself: with `is_shaped` the form's own may be 0.
    """
    options = argument_parser.get_parser().args_included_in_web_ui
    own = set(argument_parser.ui_extra_args_dict())
    for name, text in form:
        if name in own and (refused := _refused(options[name], text)):
            return f"{name.replace('_', ' ')}: {refused}"
        title, kind = OF_LOCUST.get(name, ("", None))
        if kind is not None and not is_shaped and (refused := _unreadable(kind, text)):
            return f"{title}: {refused}"
    return ""


def _refused(option: argparse.Action, text: str) -> str:
    for part in text.split(",") if option.nargs else [text]:
        if option.choices is not None and part not in option.choices:
            names = list(map(str, option.choices))
            return f"there is no {part!r}{nearest(part, names)}; there are: {', '.join(names)}"
        if callable(option.type) and (refused := _unreadable(option.type, part)):
            return refused
    return ""


def _unreadable(kind: Callable[[str], object], text: str) -> str:
    try:
        kind(text)
    except argparse.ArgumentTypeError as error:
        return str(error)
    except ValueError:
        return f"{text!r} is not a number"
    return ""
