/**
 * compose.yaml for podman: a service's options as arguments of `podman run`, so that what is tested is what is shipped.
 *
 * Promises: every key of a service is applied, or known to be of no matter here.
 * Refuses a key that it does not know: compose.yaml may not say what no test has run.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";

/** How the image is got, and what compose itself does. */
const NOT_HERE = new Set([
  "build",
  "image",
  "restart",
  "logging",
  "profiles",
  "depends_on",
  "healthcheck",
  "command",
]);

export function readCompose(file) {
  return parse(readFileSync(file, "utf8"), { merge: true });
}

/**
 * `place`: `name(of)` makes names of containers, networks and volumes ours, `folder` is where relative paths begin,
 * `ports` has the port on this machine for each one that compose.yaml names.
 */
export function runOptions(compose, service, place) {
  return Object.entries(compose.services[service]).flatMap(([key, value]) => {
    if (NOT_HERE.has(key)) return [];
    const option = OPTIONS[key];
    if (option === undefined) throw new Error(`compose.yaml has ${service}.${key}, which is not tested`);
    return option(value, place, compose);
  });
}

const OPTIONS = {
  // Podman would add writable folders of its own.
  read_only: () => ["--read-only", "--read-only-tmpfs=false"],
  cap_drop: (names) => names.map((name) => `--cap-drop=${name}`),
  security_opt: (options) => options.map((option) => `--security-opt=${option.replace(/:true$/, "")}`),
  stop_grace_period: (time) => [`--stop-timeout=${time.replace(/s$/, "")}`],
  mem_limit: (size) => [`--memory=${size}`],
  pids_limit: (count) => [`--pids-limit=${count}`],
  environment: (variables) => Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`),
  network_mode: (mode, { name }) => [`--network=container:${name(mode.replace(/^service:/, ""))}`],
  networks: ([network], { name }) => [`--network=${name(network)}`],
  ports: (ports, place) =>
    ports.map((port) => {
      const [host, published, inside] = port.split(":");
      return `--publish=${host}:${place.ports[published]}:${inside}`;
    }),
  volumes: (volumes, { name, folder }) =>
    volumes.map((volume) => {
      const [source, ...rest] = volume.split(":");
      const from = source.startsWith(".") ? resolve(folder, source) : name(source);
      return `--volume=${[from, ...rest].join(":")}`;
    }),
  // Compose mounts the file as it is, with its owner and mode.
  secrets: (names, { folder }, { secrets }) =>
    names.map((secret) => `--volume=${resolve(folder, secrets[secret].file)}:/run/secrets/${secret}:ro`),
};
