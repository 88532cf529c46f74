/** What Dockerfile, compose.yaml and docs/container.md say about each other, where no engine is needed to see it. */
import { readFileSync } from "node:fs";
import { BlockList } from "node:net";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { variables } from "../../src/config/environment.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly read_only: boolean;
  readonly stop_grace_period: string;
  readonly volumes: readonly string[];
}

const dockerfile = read("Dockerfile");
const compose = parse(read("compose.yaml"), { merge: true }) as {
  readonly networks: { readonly mail: { readonly ipam: { readonly config: readonly [Subnet] } } };
  readonly services: Readonly<Record<string, Service>>;
};

interface Subnet {
  readonly subnet: string;
  readonly gateway: string;
}

const services = Object.entries(compose.services);
const [, uid] = /USER (\d+):\d+/.exec(dockerfile) ?? [];

/** `NAME=value` of the image's environment. */
function imageVariable(name: string): string {
  return new RegExp(`\\b${name}=(\\S+)`).exec(dockerfile)?.[1] ?? "";
}

test("the image's version is the package's", () => {
  expect(/ARG VERSION=(\S+)/.exec(dockerfile)?.[1]).toBe(JSON.parse(read("package.json")).version);
});

test("what the Dockerfile copies from the project is what .dockerignore lets through", () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = ""]) =>
    paths.split(" ").map((path) => path.replace(/^\.\//, "")),
  );
  const admitted = [...read(".dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path);
  expect(copied.sort()).toEqual(admitted.sort());
});

test("the user's id is the one that compose.yaml and the manual name", () => {
  expect(uid).toMatch(/^\d{5}$/);
  expect(read("compose.yaml")).toContain(`uid ${uid}, 0600`);
  expect(read("docs/container.md")).toContain(`-o ${uid} -g ${uid} -m 0600`);
});

test.each(services)(
  "%s is published on loopback only, at ports where the image listens",
  (_, { ports = [] }) => {
    const inside = ["SLUICE_LISTEN", "SLUICE_HTTP"].map((name) => imageVariable(name).split(":").at(-1));
    for (const port of ports) {
      const [address, , to] = port.split(":");
      expect(address).toBe("127.0.0.1");
      expect(inside).toContain(to);
    }
  },
);

test("the status page has the same port on both sides, since it goes by its name", () => {
  const pages = services.flatMap(([, { ports = [] }]) => ports.filter((port) => port.endsWith(":8025")));
  expect(new Set(pages)).toEqual(new Set(["127.0.0.1:8025:8025"]));
});

test.each(services)("%s keeps its state in a named volume, and writes nowhere else", (_, service) => {
  const [, folder] = /^VOLUME (\S+)$/m.exec(dockerfile) ?? [];
  expect(service.read_only).toBe(true);
  const writable = service.volumes.filter((volume) => !volume.endsWith(":ro"));
  expect(writable).toEqual([expect.stringMatching(new RegExp(`^[a-z-]+:${folder}$`))]);
});

test.each(services)("%s may take longer to stop than stopTimeout and Redis do", (_, service) => {
  expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(30 + 5);
});

test("clients are this container, and the network of compose.yaml with its gateway", () => {
  const [{ subnet, gateway }] = compose.networks.mail.ipam.config;
  const network = new BlockList();
  const [address = "", length] = subnet.split("/");
  network.addSubnet(address, Number(length));
  expect(network.check(gateway)).toBe(true);
  for (const service of ["sluice", "try"])
    expect(compose.services[service]?.environment?.SLUICE_CLIENTS).toBe(`127.0.0.0/8,${subnet}`);
});

test("variables of compose.yaml and of the image are ones that sluice knows", () => {
  const known = new Set(["SLUICE_CONFIG", ...variables.map(({ variable }) => variable)]);
  const used = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
  const ofImage = [...dockerfile.matchAll(/\b(SLUICE_\w+)=/g)].map(([, name]) => name as string);
  for (const name of [...used, ...ofImage]) expect(known).toContain(name);
});
