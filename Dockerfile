# syntax=docker/dockerfile:1
# One image for every role; the command says which: `serve --roles …`, `migrate`.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p drover \
    && install -D target/release/drover /out/drover

FROM debian:bookworm-slim
# Certificates for TLS to database and broker, curl for the health checks.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin drover \
    && install -d -o drover -g drover /data
COPY --from=build /out/drover /usr/local/bin/drover
USER drover
WORKDIR /data
ENV DROVER_DATA_DIR=/data \
    DROVER_HTTP__LISTEN=0.0.0.0:8080 \
    DROVER_LOG__FORMAT=json
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["drover"]
CMD ["serve", "--roles", "ingress,plan,dispatch,ingest,timekeep,relay"]
