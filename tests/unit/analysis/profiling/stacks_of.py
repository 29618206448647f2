"""Collapsed stacks as py-spy writes them of a service, with the paths of one machine."""

MAIN = "_run_module_as_main (<frozen runpy>:198)"
APP = f"{MAIN};run (/home/me/.venv/lib/python3.11/site-packages/uvicorn/server.py:66)"
ROUTE = f"{APP};solve_dependencies (/home/me/.venv/lib/python3.11/site-packages/fastapi/dependencies/utils.py:635)"
ENDPOINT = f"{APP};read_user (/home/me/suite/services/asyncpg_async/app.py:24)"
PROTOCOL = "bind_execute (/project/asyncpg/protocol/protocol.c:67160)"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
GREENLET = "get (/home/me/.venv/lib/python3.11/site-packages/sqlalchemy/orm/session.py:808)"
