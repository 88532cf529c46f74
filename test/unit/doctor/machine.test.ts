import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { agentSight, mailFindings } from "../../../src/doctor/agent.ts";
import { listenFinding } from "../../../src/doctor/listen.ts";
import { holdersOf } from "../../../src/doctor/listeners.ts";
import { clockFinding, spoolSight } from "../../../src/doctor/machine.ts";
import type { AgentAnswer, Ports } from "../../../src/doctor/ports.ts";
import { testFolder } from "../../support/folder.ts";
import { emptyWorld, patientWith } from "./patients.ts";

test("the clock is ok only where the system says so", () => {
  expect([true, false, undefined].map((said) => clockFinding(said, 0).status)).toEqual([
    "ok",
    "warn",
    "unknown",
  ]);
});

/** A patient whose state is in a folder of the test. */
async function stateful(limits: { freeDiskBytes?: number; queue?: number } = {}) {
  const stateDir = await testFolder();
  await mkdir(join(stateDir, "spool"));
  return { ...patientWith(), stateDir, limits: { freeDiskBytes: 0, ...limits } };
}

test("a spool with room is ok, and its messages are counted", async () => {
  const patient = await stateful();
  await writeFile(join(patient.stateDir, "spool", "1m84xr46400t1k"), "");
  await writeFile(join(patient.stateDir, "spool", "1m84xr46400t1k.part"), "");
  expect(await spoolSight(patient)).toMatchObject({ count: 1, finding: { status: "ok", remedy: null } });
});

test("a disk that is low is told with both figures, one that is nearly low is a warning", async () => {
  const low = await stateful({ freeDiskBytes: 2 ** 60 });
  expect((await spoolSight(low)).finding).toMatchObject({
    status: "failed",
    found: expect.stringMatching(/are free and limits.freeDisk is .*: no mail is accepted$/),
  });
});

test("as many messages as the queue may hold is a failure", async () => {
  const full = await stateful({ queue: 1 });
  await writeFile(join(full.stateDir, "spool", "1m84xr46400t1k"), "");
  expect((await spoolSight(full)).finding).toMatchObject({
    status: "failed",
    found: expect.stringMatching(/^1 message, as many/),
  });
});

test("a spool that is not made yet is fine where it can be made", async () => {
  const patient = { ...(await stateful()), stateDir: join(await testFolder(), "not", "yet") };
  const sight = await spoolSight(patient);
  expect(sight.finding).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/^the agent will make it/),
  });
  expect(sight.count).toBeUndefined();
});

test("a spool in the place of a file is a failure", async () => {
  const patient = { ...(await stateful()), stateDir: join(await testFolder(), "file") };
  await writeFile(patient.stateDir, "");
  expect((await spoolSight(patient)).finding).toMatchObject({
    status: "failed",
    found: expect.stringContaining("ENOTDIR"),
  });
});

const answering =
  (answers: Readonly<Record<string, unknown>>): Ports["askAgent"] =>
  async (path): Promise<AgentAnswer> => {
    const body = answers[path];
    return { agent: "answered", status: body === undefined ? 404 : 200, body: body ?? { error: "no" } };
  };

async function ask(answers: Readonly<Record<string, unknown>>) {
  const patient = await stateful();
  await writeFile(join(patient.stateDir, "lock"), "4711\n");
  const ports = emptyWorld({ askAgent: answering(answers) });
  const sight = await agentSight(patient, ports);
  const findings = await mailFindings(patient, sight, { spool: await spoolSight(patient), ports });
  return { sight, findings };
}

const WELL = {
  "/api/v1/health": { ok: true, reasons: [] },
  "/api/v1/queue/stats": { states: { incoming: 2, held: 0 }, oldest: 7 },
  "/api/v1/overview": { accounts: [{ name: "portal", budget: { used: 12, perHour: 2000 } }] },
};

test("an agent that runs tells its process, queue and budget", async () => {
  const { sight, findings } = await ask(WELL);
  expect(sight).toMatchObject({ state: "runs", processId: 4711, finding: { found: "runs as process 4711" } });
  expect(findings.map(({ check, status, found }) => `${check} ${status} ${found}`)).toEqual([
    "flow ok flows",
    "queue ok 2 incoming; the oldest waits for 7s",
    "budget ok 12 of 2000 messages used in the last 60 minutes",
  ]);
});

test("a breaker that is open is told with its reason and its next probe", async () => {
  const reasons = [
    { reason: "the account portal is stopped: 535 5.7.8 no", nextProbe: "2026-01-01T10:00:00.000Z" },
  ];
  const { findings } = await ask({ ...WELL, "/api/v1/health": { ok: false, reasons } });
  expect(findings[0]).toMatchObject({
    check: "flow",
    status: "failed",
    found: "the account portal is stopped: 535 5.7.8 no; tried again by itself at 2026-01-01T10:00:00.000Z",
  });
});

test("a warning of the agent, such as a config that it did not take over, is a warning", async () => {
  const warnings = ["the config was refused at the last reload"];
  const { findings } = await ask({ ...WELL, "/api/v1/health": { ok: true, reasons: [], warnings } });
  expect(findings[0]).toMatchObject({ check: "flow", status: "warn", found: warnings[0] });
});

test("held mail and a used budget are warnings", async () => {
  const { findings } = await ask({
    ...WELL,
    "/api/v1/queue/stats": { states: { held: 3 }, oldest: null },
    "/api/v1/overview": { accounts: [{ name: "portal", budget: { used: 2000, perHour: 2000 } }] },
  });
  expect(findings.slice(1).map(({ status }) => status)).toEqual(["warn", "warn"]);
});

test("an agent that answers something else is not taken for well", async () => {
  const { findings } = await ask({ "/api/v1/health": "?", "/api/v1/queue/stats": [] });
  expect(findings.map(({ check, status }) => `${check} ${status}`)).toEqual([
    "flow unknown",
    "queue unknown",
    "budget unknown",
  ]);
});

test("not running, not allowed and broken are three things", async () => {
  const patient = await stateful();
  const sight = (askAgent: Ports["askAgent"]) => agentSight(patient, { askAgent });
  expect(await sight(async () => ({ agent: "not running" }))).toMatchObject({
    state: "not running",
    finding: { status: "failed" },
  });
  expect(await sight(async () => ({ agent: "not allowed" }))).toMatchObject({
    state: "unknown",
    finding: { status: "unknown" },
  });
  const broken = await sight(async () => {
    throw new Error("socket hang up");
  });
  expect(broken).toMatchObject({ state: "unknown", finding: { status: "failed" } });
});

test("without an agent the spool is counted", async () => {
  const patient = await stateful();
  await writeFile(join(patient.stateDir, "spool", "1m84xr46400t1k"), "");
  const ports = emptyWorld();
  const sight = await agentSight(patient, ports);
  const [queue, budget] = await mailFindings(patient, sight, { spool: await spoolSight(patient), ports });
  expect(queue).toMatchObject({ status: "warn", found: expect.stringMatching(/^1 message in the spool/) });
  expect(budget).toMatchObject({ check: "budget", status: "unknown" });
});

test("who listens on a port is found by the kernel's tables", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::1"]) {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, host, listening));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const asked = host === "0.0.0.0" ? "127.0.0.1" : host;
    const holders = await holdersOf({ host: asked, port });
    expect(holders?.map(({ processId }) => processId)).toEqual([process.pid]);
    if (host !== "0.0.0.0") expect(await holdersOf({ host: "127.0.0.99", port })).toBeUndefined();
    server.close();
  }
});

test("the listener's line says whose it is", () => {
  const agent = { state: "runs", processId: 10 } as const;
  const gone = { state: "not running" } as const;
  const line = (
    subject: string,
    holders: Parameters<typeof listenFinding>[1],
    of: Parameters<typeof listenFinding>[2],
  ) => {
    const { status, found } = listenFinding(subject, holders, of);
    return `${status} ${found}`;
  };
  const postfix = { processId: 20, name: "master" };
  expect(line("127.0.0.1:25", [{ processId: 10, name: "node" }], agent)).toBe("ok the agent listens there");
  expect(line("127.0.0.1:25", [postfix], gone)).toBe("failed taken by another program: master, process 20");
  expect(line("127.0.0.1:25", [postfix], agent)).toBe("failed taken by another program: master, process 20");
  expect(line("127.0.0.1:25", [{ processId: 1, name: "systemd" }], gone)).toBe(
    "ok systemd listens there, for the agent",
  );
  expect(line("127.0.0.1:25", undefined, gone)).toBe("ok free, for the agent to listen on");
  expect(line("127.0.0.1:25", undefined, agent)).toBe("failed nobody listens there");
  expect(line("[::1]:25", undefined, agent)).toBe("warn nobody listens there");
  expect(line("127.0.0.1:25", [], agent)).toMatch(/^unknown somebody listens there/);
});
