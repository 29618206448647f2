"""Extends Locust's web UI: what is tested, the tab `Services`, the preselected scenario, checks of the form."""

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from locust import events
from locust.env import Environment
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING
from markupsafe import escape

SCRIPT = Path(__file__).with_name("_live.js")
NO_SHAPE = "Default"  # as Locust's form calls it
TAB = {"title": "Services", "key": "services"}


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Extend the web UI, if there is one."""
    if environment.web_ui is not None and environment.web_ui.app is not None:
        _extend(environment, environment.web_ui.app)


def _extend(environment: Environment, app: Flask) -> None:
    from locustfiles import _form, _live, _running, _table, _targets  # noqa: PLC0415  # a headless Locust does not need them

    web_ui, options = environment.web_ui, environment.parsed_options
    assert web_ui is not None  # noqa: S101  # `on_init` checked it
    web_ui.template_args["extended_tabs"] = [TAB]
    app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # fields in the order of --help, service first
    chosen = sorted(one.__name__ for one in environment.user_classes)  # those on the command line, or all
    named = [one for one in getattr(options, "service", ()) if one != _targets.ALL]  # a warning example only if named
    live, test = _live.Live([*_targets.USUAL, *named]), _running.RunningTest()
    environment.events.test_start.add_listener(test.begin)
    pages = Blueprint("services", __name__, url_prefix=options.web_base_path if options else None)

    @pages.route("/services/live")
    @web_ui.auth_required_if_enabled
    def figures() -> Response:
        return jsonify(_table.as_json(live.look()))

    @pages.route("/services/test")
    @web_ui.auth_required_if_enabled
    def tested() -> Response:
        runner = environment.runner
        state = STATE_INIT if runner is None else runner.state
        stats = environment.stats
        rows = [(one.name, one.current_rps) for one in stats.entries.values()]
        is_on = state in {STATE_SPAWNING, STATE_RUNNING}
        return jsonify(
            {
                "text": "" if state == STATE_INIT else test.text,  # what was tested stays above its figures
                "begun": stats.start_time,
                "requests_per_s": test.requests_per_s(rows) if is_on else {},
            }
        )

    @pages.route("/services/live.js")
    def script() -> Response:
        return Response(SCRIPT.read_text(), mimetype="text/javascript")

    @app.before_request
    def check() -> Response | None:
        return refusal() if request.endpoint == "locust.swarm" else None

    @web_ui.auth_required_if_enabled
    def refusal() -> Response | None:
        shape = request.form.get("shape_class")
        is_shaped = environment.shape_class is not None if shape is None else shape != NO_SHAPE
        problem = _form.problem(list(request.form.items(multi=True)), is_shaped=is_shaped)
        return jsonify({"success": False, "message": problem, "host": environment.host}) if problem else None

    @app.after_request
    def add_script(response: Response) -> Response:
        if request.endpoint == "locust.index" and response.status_code == 200:
            tag = f'<script defer src="./services/live.js" data-chosen="{escape(json.dumps(chosen))}"></script></head>'
            response.set_data(response.get_data(as_text=True).replace("</head>", tag, 1))
        return response

    app.register_blueprint(pages)
