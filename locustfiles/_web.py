"""Extends Locust's web UI: the tab `Services`, the preselected scenario, checks of the form."""

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from locust import events
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from markupsafe import escape

SCRIPT = Path(__file__).with_name("_live.js")
TAB = {"title": "Services", "key": "services"}


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Extend the web UI, if there is one."""
    if environment.web_ui is not None and environment.web_ui.app is not None:
        _extend(environment, environment.web_ui.app)


def _extend(environment: Environment, app: Flask) -> None:
    from locustfiles import _form, _live, _table  # noqa: PLC0415  # a headless Locust does not need them

    web_ui, options = environment.web_ui, environment.parsed_options
    assert web_ui is not None  # noqa: S101  # `on_init` checked it
    web_ui.template_args["extended_tabs"] = [TAB]
    app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # fields in the order of --help, service first
    chosen = sorted(one.__name__ for one in environment.user_classes)  # those on the command line, or all
    live = _live.Live()
    pages = Blueprint("services", __name__, url_prefix=options.web_base_path if options else None)

    @pages.route("/services/live")
    @web_ui.auth_required_if_enabled
    def figures() -> Response:
        return jsonify(_table.as_json(live.look()))

    @pages.route("/services/test")
    @web_ui.auth_required_if_enabled
    def tested() -> Response:
        runner = environment.runner
        is_on = runner is not None and runner.state in {STATE_SPAWNING, STATE_RUNNING}
        return jsonify({"text": _form.tested(vars(environment.parsed_options or ())) if is_on else ""})

    @pages.route("/services/live.js")
    def script() -> Response:
        return Response(SCRIPT.read_text(), mimetype="text/javascript")

    @app.before_request
    def check() -> Response | None:
        if request.endpoint != "locust.swarm" or not (problem := _form.problem(list(request.form.items(multi=True)))):
            return None
        return jsonify({"success": False, "message": problem, "host": environment.host})

    @app.after_request
    def add_script(response: Response) -> Response:
        if request.endpoint == "locust.index" and response.status_code == 200:
            tag = f'<script defer src="./services/live.js" data-chosen="{escape(json.dumps(chosen))}"></script></head>'
            response.set_data(response.get_data(as_text=True).replace("</head>", tag, 1))
        return response

    app.register_blueprint(pages)
