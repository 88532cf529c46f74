import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Overview } from "../../../src/control/overview.ts";
import type { ControlParts } from "../../../src/control/server.ts";
import { startControl } from "../../../src/control/server.ts";
import { folderWith, goodConfig } from "../config/folder.ts";
import { sluice } from "./command-line.ts";

const OVERVIEW: Overview = {
  version: "1.2.3",
  hostname: "app01.lab.example",
  now: "2026-07-01T12:00:00.000Z",
  startedAt: "2026-07-01T11:59:00.000Z",
  health: {
    ok: false,
    reasons: [{ reason: "portal is stopped: 535 \u001b[31mno", nextProbe: null }],
    warnings: [],
  },
  queue: { states: { incoming: 3, active: 0, deferred: 1200, held: 0, bounced: 0 }, oldest: 7200 },
  accounts: [
    { name: "portal", budget: { used: 42, perHour: 2000 }, state: "open", sessions: 1, year: null },
    { name: "news", budget: null, state: "closed", sessions: 0, year: null },
  ],
  hours: [{ at: "2026-07-01T12:00:00.000Z", urgent: 2, bulk: 40, refused: 5, cap: null }],
  failures: [
    {
      at: "2026-07-01T11:59:30.000Z",
      event: "rejected",
      id: null,
      sender: "evil\u001b]0;x\u0007@x",
      recipients: [],
      user: null,
      reason: "550 5.7.1 no",
    },
  ],
};

function configIn(text = goodConfig): { file: string; state: string } {
  const folder = folderWith({ "sluice.yaml": `${text}stateDir: state\n` });
  return { file: join(folder, "sluice.yaml"), state: join(folder, "state") };
}

/** An agent that answers with `overview`. */
async function agent(state: string, overview: Overview): Promise<void> {
  const parts = { overview: async () => overview } as unknown as ControlParts;
  const control = await startControl(join(state, "control.sock"), parts);
  onTestFinished(() => control.close());
}

test("without a config file it says how to begin", async () => {
  const { code, out, err } = await sluice("-c", "/nowhere/sluice.yaml");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("/nowhere/sluice.yaml is not there");
  expect(out).toContain("sluice config --example");
});

test("with a broken config file it says how many problems there are, and who names them", async () => {
  const { file } = configIn(
    goodConfig.replace("perHour: 2000", "perHour: many").replace("hostname:", "hostnam:"),
  );
  const { code, out } = await sluice("-c", file);
  expect(code).toBe(0);
  expect(out).toContain("has 2 problems");
  expect(out).toContain(`sluice check -c ${file}`);
});

test("without an agent it says so", async () => {
  const { file } = configIn();
  const { code, out } = await sluice("-c", file);
  expect(code).toBe(0);
  expect(out).toContain("not running; start it with: sluice run");
});

test("with an agent it says whether mail flows, what waits, the budget, the last failures and what to do next", async () => {
  const { file, state } = configIn();
  await agent(state, OVERVIEW);
  const { code, out } = await sluice("-c", file);
  expect(code).toBe(0);
  for (const said of [
    "running on app01.lab.example for 60s, version 1.2.3",
    "does not flow as it should",
    "- portal is stopped: 535 \\x1b[31mno",
    "3 incoming, 1,200 deferred; the oldest waits for 2h",
    "portal: 42 of 2,000 messages in the last 60 minutes, 1 session, stopped",
    "news: no budget known",
    "42 sent, 5 refused",
    "rejected evil\\x1b]0;x\\x07@x: 550 5.7.1 no",
    "sluice doctor",
    "sluice queue",
    "sluice --help",
  ])
    expect(out).toContain(said);
  expect(out).not.toContain("\u001b");
});

test("with a broken config file it says how the agent stands all the same, and what is to be seen to", async () => {
  const { file, state } = configIn(goodConfig.replace("perHour: 2000", "perHour: many"));
  const warnings = ["the config file was refused, the one before stays in force"];
  await agent(state, { ...OVERVIEW, health: { ok: true, reasons: [], warnings } });
  const { code, out } = await sluice("-c", file);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^config +\S+ has 1 problem\nagent +running on .*\nmail +flows\nwarning +the config file was/m,
  );
  const json = JSON.parse((await sluice("--json", "-c", file)).out);
  expect(json).toMatchObject({
    found: "broken config",
    problems: 1,
    overview: { hostname: OVERVIEW.hostname },
  });
});

test("a command after options is told where they belong", async () => {
  const { code, out, err } = await sluice("-c", "/nowhere/sluice.yaml", "queue", "--state", "held");
  expect({ code, out }).toEqual({ code: 64, out: "" });
  expect(err).toBe("Options follow the command: say sluice queue --state held -c /nowhere/sluice.yaml\n");
});

test("--json has the same overview", async () => {
  const { file, state } = configIn();
  await agent(state, OVERVIEW);
  const { out } = await sluice("--json", "-c", file);
  expect(JSON.parse(out)).toMatchObject({ file, found: "overview", overview: OVERVIEW });
});
