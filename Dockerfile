# A small image that serves, as a user without rights, with its data under /data. The bridge listens on loopback
# only, so run it in the host's network: docker run --network host -v orket-data:/data orket
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY actors actors
COPY orket orket
RUN python -m venv /opt/orket && /opt/orket/bin/pip install --no-cache-dir . -c constraints.txt

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home orket \
    && install -d -o orket /data
COPY --from=build /opt/orket /opt/orket
ENV PATH="/opt/orket/bin:$PATH" PYTHONUNBUFFERED=1
USER orket
WORKDIR /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["orket", "runs", "--limit", "1"]
CMD ["orket", "serve", "--port", "8082"]
