import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ControlParts } from "../../../src/control/server.ts";
import { startControl } from "../../../src/control/server.ts";
import { sluice } from "./command-line.ts";
import { configFile } from "./config-file.ts";

const ID = "1m84xr46400t1k";
const BROKEN = "hostnam: x\n";

test("a spool without an agent is counted with a config that has problems too", async () => {
  const file = configFile(BROKEN);
  await mkdir(join(dirname(file), "state", "spool"), { recursive: true });
  const { code, out, err } = await sluice("queue", "stats", "--json", "-c", file);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ states: { held: 0 }, oldest: null, budget: {} });
  expect(err).toContain("has problems, which sluice check names");
  expect(err).toContain("The agent is not running: read from the spool on disk.");
});

test("what repolicy did is told with a config that has problems too", async () => {
  const file = configFile(BROKEN);
  const page = {
    changed: [],
    unchanged: 3,
    skipped: [],
    next: null,
    policy: { since: "2026-03-31T10:00:00.000Z", fingerprint: "x" },
  };
  const parts = { repolicy: async () => page } as unknown as ControlParts;
  const control = await startControl(join(dirname(file), "state", "control.sock"), parts);
  onTestFinished(() => control.close());
  const { code, out } = await sluice("queue", "repolicy", "--yes", "-c", file);
  expect(code).toBe(0);
  expect(out).toContain("-- 0 messages changed, 3 stay as they are");
});

test.each([
  ["queue", "retry", ID],
  ["queue", "hold", "--all", "--yes"],
  ["queue", "repolicy"],
  ["status-url"],
  ["send-test", "--to", "dean@example.org"],
])(
  "%s %s %s says what it cannot do without the agent, and how to start it, exit code 69",
  async (...args) => {
    const { code, out, err } = await sluice(...args.filter((one) => one !== undefined), "-c", configFile());
    expect({ code, out }).toEqual({ code: 69, out: "" });
    expect(err).toMatch(
      /^Cannot .* as the agent is not running: start it with systemctl start sluice, or sluice run\n$/,
    );
  },
);

test.each([["list"], ["stats"], ["show", ID]])(
  "queue %s says where it looked for the spool, exit code 69",
  async (...args) => {
    const { code, err } = await sluice("queue", ...args, "-c", configFile());
    expect(code).toBe(69);
    expect(err).toMatch(/spool: there is no spool; was the agent ever started with this config\?$/m);
  },
);
