# One image for the loader, the services and Locust.
FROM python:3.13-slim

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1
WORKDIR /app
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bench

# Ahead of the code, so that a change of the code does not install the libraries again. uv too is held to the lock's
# hashes, and --no-build refuses whatever would need a compiler.
COPY requirements.lock ./
RUN python -m venv /opt/venv \
 && sed -n '/^uv==/,/[^\\]$/p' requirements.lock >/tmp/uv.lock \
 && pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --requirement /tmp/uv.lock \
 && uv pip sync --quiet --no-cache --no-build --compile-bytecode --require-hashes \
      --python /opt/venv/bin/python requirements.lock \
 && rm /tmp/uv.lock

# Owned by the user that runs it, since the files of a checkout made under umask 077 are readable by their owner alone.
COPY --chown=bench:bench pyproject.toml ./
COPY --chown=bench:bench bench bench/
COPY --chown=bench:bench db db/
COPY --chown=bench:bench locustfiles locustfiles/
COPY --chown=bench:bench services services/

USER bench
CMD ["python", "-m", "bench", "--help"]
