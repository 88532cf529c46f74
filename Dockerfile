# sluice in a container: the agent with its embedded Redis, as an ordinary user. docs/container.md says how to run it.
# Nothing but /var/lib/sluice is written: the root file system may be read-only, and every capability dropped.

ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY scripts/prune-modules.mjs ./scripts/
RUN npm run build \
 && chmod 0755 dist/main.js \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && node scripts/prune-modules.mjs node_modules

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A mail relay: plain SMTP from programs in, authenticated TLS out." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
# The user's id is fixed: volumes and password files belong to it.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends redis-server tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && groupadd --gid 10025 sluice \
 && useradd --uid 10025 --gid sluice --no-create-home --home-dir /var/lib/sluice --shell /usr/sbin/nologin sluice \
 && install -d -o sluice -g sluice -m 0700 /var/lib/sluice \
 && install -d -m 0755 /etc/sluice \
 && ln -s /app/dist/main.js /usr/local/bin/sluice
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY container/ready.mjs ./
# No port below 1024, so that no capability is needed. Who may connect is not said here: without SLUICE_CLIENTS, or
# listen.clients in the config, it does not start. Orchestrators put secrets into /run/secrets.
ENV NODE_ENV=production \
    SLUICE_LISTEN=0.0.0.0:2525 \
    SLUICE_HTTP=0.0.0.0:8025 \
    CREDENTIALS_DIRECTORY=/run/secrets
EXPOSE 2525 8025
USER 10025:10025
VOLUME /var/lib/sluice
STOPSIGNAL SIGTERM
# Ready is who takes mail: an upstream that is away is no reason to restart.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/ready.mjs"]
# Node as process 1 would be deaf to a SIGTERM while it loads, and leave the children of `docker exec` as zombies.
# tini tells only the agent: the agent stops its Redis itself, last.
ENTRYPOINT ["tini", "--", "node", "/app/dist/main.js"]
CMD ["run"]
