import { expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { ConfigInForce, type Loaded } from "../../src/reload.ts";

const configOf = (changes: object): Config =>
  ({
    stateDir: "/state",
    redis: { kind: "embedded" },
    listen: { addresses: [{ host: "127.0.0.1", port: 25 }], clients: [], maxConnections: 200 },
    accounts: [{ name: "portal" }],
    hostname: "a",
    ...changes,
  }) as unknown as Config;
const good = (changes: object): Loaded => ({ ok: true, config: configOf(changes), warnings: [] });

/** A config in force whose file can be changed; `counting`: what looking for mail waits for. */
function setting(counting: Promise<void> = Promise.resolve()) {
  const file = { loaded: good({}) };
  const applied: string[] = [];
  const told: { event: string; level: string | undefined }[] = [];
  const inForce = new ConfigInForce({
    config: configOf({}),
    load: () => file.loaded,
    messagesOf: async () => {
      await counting;
      return new Map([["portal", 12]]);
    },
    onOutcome: () => {},
    apply: ({ hostname }) => void applied.push(hostname),
    events: { report: (event, fields, level) => void told.push({ event, level, ...fields }) },
    now: () => 0,
  });
  return { file, applied, told, inForce };
}

test("what cannot be changed while sluice runs stays, and is named until the file says the same again", async () => {
  const { file, applied, told, inForce } = setting();
  const listen = { addresses: [], clients: ["10.0.0.0/8"], maxConnections: 5 };
  file.loaded = good({ hostname: "b", stateDir: "/other", listen });
  await inForce.reload();
  expect(inForce.current).toMatchObject({ hostname: "b", stateDir: "/state" });
  expect(inForce.current.listen).toMatchObject({ addresses: [{ port: 25 }], maxConnections: 5 });
  expect(applied).toEqual(["b"]);
  expect(told).toMatchObject([
    { event: "reloaded", restart: ["stateDir", "listen.addresses"], level: "warn" },
  ]);
  expect(inForce.warnings).toHaveLength(2);
  file.loaded = good({ hostname: "c" });
  await inForce.reload();
  expect([inForce.warnings, inForce.current.hostname]).toEqual([[], "c"]);
});

test("a config with problems, or one that cannot even be read, changes nothing and is told with all of them", async () => {
  const { file, applied, told, inForce } = setting();
  file.loaded = { ok: false, problems: ["one", "two"] };
  await inForce.reload();
  expect(told).toMatchObject([
    { event: "trouble", part: "config", problems: ["one", "two"], level: "error" },
  ]);
  expect(inForce.warnings[0]).toMatch(/refused at 1970.*one \(and 1 more: sluice check\)$/);
  Object.defineProperty(file, "loaded", {
    get: () => {
      throw new Error("EIO");
    },
  });
  await inForce.reload();
  expect(inForce.warnings[0]).toContain("EIO");
  expect([applied, inForce.current.hostname]).toEqual([[], "a"]);
});

test("asked many times while one runs, it reads once more", async () => {
  let go = () => {};
  const { file, told, inForce } = setting(new Promise((resolve) => (go = resolve)));
  file.loaded = good({ accounts: [] });
  const asked = [inForce.reload(), inForce.reload(), inForce.reload()];
  file.loaded = good({ hostname: "d" });
  go();
  await Promise.all(asked);
  expect(told.map(({ event }) => event)).toEqual(["trouble", "reloaded"]);
  expect(inForce.current.hostname).toBe("d");
});
