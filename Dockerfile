# The service and its built-in tools, as an unprivileged user, without a compiler or a test.
#
# Cells are made of user, mount, pid and network namespaces, which a container engine's defaults
# forbid; what a container then lacks is missing from every isolation report, and a settings file
# that demands it (policy.minimum_isolation) keeps the service from starting.  All walls need:
#
#   docker run \
#     --security-opt seccomp=unconfined \      the default profile forbids unshare, mount, setns
#     --security-opt apparmor=unconfined \     the default profile forbids mount
#     --network host \                         see below
#     --volume toolcell:/var/lib/toolcell \    what outlives it: state_dir = "/var/lib/toolcell"
#     --volume /srv/tools:/srv/tools:ro --volume /etc/toolcell:/etc/toolcell:ro toolcell
#
# None of them gives the container a capability; --privileged is never needed.  Each cell installs a
# seccomp filter of its own, stricter than the one that is switched off here for the server.  Where
# the host restricts user namespaces (Ubuntu 24.04), it needs
# `sysctl kernel.apparmor_restrict_unprivileged_userns=0`.  `toolcell doctor` says what is missing.
#
# Without [auth] and [server.tls] the service listens on loopback only: hence --network host, or
# one network namespace shared with the orchestrator (a pod, or --network container:NAME).

# One line for both stages: the virtual environment names the interpreter of its base image.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
# Everything at once: the package is one layer, and its dependencies change about as often.
COPY . .
# A virtual environment, because it is the one thing that the next stage copies.
RUN python -m venv /opt/toolcell \
    && /opt/toolcell/bin/pip install --no-cache-dir '.[server]'

FROM ${BASE}
# A fixed number, so that volumes can be given to it; no home and no shell, since nobody logs in.
# A new volume takes its owner and mode from the folder; state_dir may be nobody else's.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin toolcell \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/toolcell
COPY --from=build /opt/toolcell /opt/toolcell
ENV PATH=/opt/toolcell/bin:$PATH
# By number: an orchestrator that demands a non-root user cannot look up a name.
USER 10001:10001
EXPOSE 50051 9464
# The server drains on SIGTERM; give it longer than server.drain_seconds (docker stop --time 15).
STOPSIGNAL SIGTERM
# Python, because the image has no other client for grpc.health.v1.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", "\
import grpc; \
from grpc_health.v1 import health_pb2, health_pb2_grpc; \
stub = health_pb2_grpc.HealthStub(grpc.insecure_channel('127.0.0.1:50051')); \
answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=2); \
raise SystemExit(answer.status != health_pb2.HealthCheckResponse.SERVING)"]
# A program, not a shell: signals reach the server itself.
ENTRYPOINT ["python", "-m", "toolcell_server"]
