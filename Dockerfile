# One image for the loader, the services, Locust and whole runs.
FROM python:3.13-slim

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /app
# .postgres/ is there for the private PostgreSQL of `bench`: a volume that is mounted on it gets its owner.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bench \
 && install --directory --mode 700 --owner bench --group bench .postgres

# pip's own settings, as arguments of the build. None has a value here, and an empty one leaves pip as it is.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG PIP_TRUSTED_HOST
ARG PIP_PROXY
# Ahead of the code, so that a change of the code does not install the libraries again.
COPY requirements.lock ./
COPY requirements.extras.lock ./
COPY setup setup/
RUN PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: python -m setup.packages /opt/venv --extras --compiled

# Owned by the user that runs it, since the files of a checkout made under umask 077 are readable by their owner alone.
COPY --chown=bench:bench pyproject.toml ./
COPY --chown=bench:bench README.md ./
COPY --chown=bench:bench LICENSE ./
COPY --chown=bench:bench bench bench/
COPY --chown=bench:bench db db/
COPY --chown=bench:bench locustfiles locustfiles/
COPY --chown=bench:bench services services/
COPY --chown=bench:bench suite suite/
# As `make setup` does: the command `bench`, and the version that a run records. uv holds the build backend.
RUN uv pip install --quiet --no-cache --offline --no-deps --python /opt/venv/bin/python --editable .

USER bench
CMD ["bench", "--help"]
