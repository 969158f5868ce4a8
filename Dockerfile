# The server with its driver for PostgreSQL and its client for OpenSearch, from the same lock files as everywhere else.
FROM python:3.13-slim AS build

WORKDIR /source

COPY requirements/build.txt requirements/
RUN pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement requirements/build.txt

COPY LICENSE README.md pyproject.toml ./
COPY docs docs
COPY migrations migrations
COPY seed_data seed_data
COPY app app
RUN pip wheel --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PATH="/opt/dateline/.venv/bin:$PATH" \
    DATELINE_DATA_DIR=/data \
    DATELINE_HOST=0.0.0.0 \
    DATELINE_RATE_LIMIT=600 \
    DATELINE_WORKERS=auto \
    DATELINE_FIRST_KEY_FILE=/data/first-admin-key

WORKDIR /opt/dateline

# The packages first: a change of code does not install them again.
COPY requirements/opensearch.txt requirements/
RUN python -m venv .venv \
    && pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement requirements/opensearch.txt

COPY --from=build /wheel /wheel
RUN pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps /wheel/*.whl \
    && useradd --system --uid 10001 --home-dir /data --no-create-home dateline \
    && mkdir /data \
    && chown 10001 /data \
    && chmod 700 /data

USER 10001
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('DATELINE_PORT', '8000') + '/health/live', timeout=2)"]

CMD ["dateline", "serve"]
