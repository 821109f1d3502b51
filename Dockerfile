# PostgreSQL with cjm, on the official image.
#
#   docker build -t postgres-cjm .                                  PostgreSQL 17
#   docker build -t postgres-cjm:18 --build-arg POSTGRES=18 .       another, from 15 on
#   docker run -e POSTGRES_PASSWORD=secret -p 5432:5432 postgres-cjm
#
# Every new database has the extension at hand: CREATE EXTENSION cjm.  The second
# stage is the official image and the files of the extension, and nothing that built them.

ARG POSTGRES=17

FROM postgres:${POSTGRES}-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc make libc6-dev "postgresql-server-dev-${PG_MAJOR}" \
    && rm -rf /var/lib/apt/lists/*

COPY Makefile cjm.control /cjm/
COPY sql /cjm/sql
COPY src /cjm/src

RUN make --directory=/cjm --jobs="$(nproc)" with_llvm=no all \
    && make --directory=/cjm with_llvm=no DESTDIR=/staged install

FROM postgres:${POSTGRES}-bookworm

LABEL org.opencontainers.image.title="PostgreSQL with cjm" \
      org.opencontainers.image.description="Customer journeys and funnels over event tables" \
      org.opencontainers.image.licenses="PostgreSQL"

COPY --from=build /staged /
