# A small image that serves: python -m orket serve, as a user without rights, data under /data.
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
EXPOSE 8082
STOPSIGNAL SIGTERM
CMD ["orket", "serve", "--host", "0.0.0.0", "--port", "8082"]
