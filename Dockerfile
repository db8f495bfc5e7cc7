# Bridgehead in a container: `docker build .` compiles; `docker build --target prebuilt .` takes what lies in
# .docker/bin (scripts/collect-binaries) and compiles nothing. Needs BuildKit.

FROM swift:6.3-bookworm AS build
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        libssl-dev zlib1g-dev libcurl4-openssl-dev libsqlite3-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift Package.resolved* ./
COPY scripts/collect-binaries scripts/
COPY Sources Sources
COPY Benchmarks Benchmarks
COPY Tests Tests
RUN --mount=type=cache,target=/source/.build \
    swift build -c release --product bridgehead \
    && scripts/collect-binaries "$(swift build -c release --show-bin-path)/bridgehead" /collected

FROM debian:bookworm-slim AS base
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        ca-certificates libcurl4 libsqlite3-0 libssl3 libstdc++6 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 bridgehead \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/bridgehead \
        --shell /usr/sbin/nologin bridgehead \
    && install -d -o 10001 -g 10001 -m 0700 \
        /var/lib/bridgehead /var/spool/bridgehead /var/lib/bridgehead-join \
    && ln -s ../lib/bridgehead/bridgehead /usr/local/bin/bridgehead
COPY scripts/container-entrypoint /usr/local/bin/
ENV BRIDGEHEAD_DATA=/var/lib/bridgehead/dsa \
    BRIDGEHEAD_MAILROOT=/var/spool/bridgehead \
    BRIDGEHEAD_SMTP_PORT=2525
USER 10001:10001
WORKDIR /var/lib/bridgehead
VOLUME ["/var/lib/bridgehead", "/var/spool/bridgehead"]
EXPOSE 2525
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["bridgehead", "healthcheck"]
ENTRYPOINT ["container-entrypoint"]
CMD ["serve"]

FROM base AS prebuilt
COPY .docker/bin/ /usr/local/lib/bridgehead/

FROM base AS runtime
COPY --from=build /collected/ /usr/local/lib/bridgehead/
