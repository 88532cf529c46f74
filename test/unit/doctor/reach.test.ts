import { describe, expect, test } from "vitest";
import { egressFinding } from "../../../src/doctor/egress.ts";
import type { Finding } from "../../../src/doctor/finding.ts";
import type { Ports, Reach } from "../../../src/doctor/ports.ts";
import { hostSight } from "../../../src/doctor/reach.ts";
import { emptyWorld, patientWith } from "./patients.ts";

const HOST = "smtp-us.ser.proofpoint.com";
const PUBLISHED = ["34.225.17.174", "52.202.205.232", "54.68.130.227", "52.89.187.57"];
const OPEN: Reach = { ok: true, localAddress: "203.0.113.7" };

/** Looks at the service's host where names mean `addresses` and `reach` says what is open. */
async function look(addresses: readonly string[], reach: Ports["reach"]) {
  const patient = patientWith();
  const world = emptyWorld({ lookup: async () => ({ ok: true, addresses }), reach });
  return hostSight(HOST, patient.target!, patient, world);
}

const told = (findings: readonly Finding[], check: string) =>
  findings
    .filter((one) => one.check === check)
    .map(({ status, subject, found }) => `${status} ${subject} ${found}`);
const remedies = (findings: readonly Finding[]) => findings.map(({ remedy }) => remedy);

test("where all is open, nothing is to be done", async () => {
  const { findings, open } = await look(PUBLISHED.slice(0, 2), async () => OPEN);
  expect(findings.every(({ status, remedy }) => status === "ok" && remedy === null)).toBe(true);
  expect(open).toMatchObject({ address: PUBLISHED[0], localAddress: "203.0.113.7", door: { port: 587 } });
});

test("a name that cannot be looked up is told, and nothing is connected to", async () => {
  const knocks: string[] = [];
  const patient = patientWith();
  const reach: Ports["reach"] = async (address) => {
    knocks.push(address);
    return OPEN;
  };
  const { findings } = await hostSight(HOST, patient.target!, patient, emptyWorld({ reach }));
  expect(told(findings, "dns")).toEqual([`failed ${HOST} it cannot be looked up: ENOTFOUND`]);
  expect(knocks).toEqual([]);
});

test("the configured port is blocked and another is open: the remedy is the port to set", async () => {
  const { findings } = await look(PUBLISHED, async (_, port) =>
    port === 465 ? OPEN : { ok: false, code: "ETIMEDOUT" },
  );
  expect(told(findings, "port")).toEqual([
    `failed ${HOST}:587 blocked: no answer, which is how a firewall that drops packets looks`,
    `ok ${HOST}:465 open, not used`,
    `warn ${HOST}:25 blocked: no answer, which is how a firewall that drops packets looks`,
  ]);
  expect(remedies(findings)).toContain("465 is open: set upstream.port: 465 and upstream.security: tls");
});

test("refused is told apart from no answer, and each of the three ports is asked once", async () => {
  const knocks: string[] = [];
  const { findings } = await look(["192.0.2.1"], async (address, port) => {
    knocks.push(`${address}:${port}`);
    return { ok: false, code: port === 25 ? "ECONNREFUSED" : "ETIMEDOUT" };
  });
  expect(told(findings, "port")[2]).toBe(`warn ${HOST}:25 blocked: the connection is refused`);
  const others = ["192.0.2.1:25", "192.0.2.1:465"];
  expect(knocks.sort()).toEqual(
    [...["192.0.2.1", ...PUBLISHED].map((address) => `${address}:587`), ...others].sort(),
  );
});

describe("the published addresses", () => {
  test("one that a firewall blocks is named", async () => {
    const { findings } = await look([PUBLISHED[0]!], async (address) =>
      address === PUBLISHED[2] ? { ok: false, code: "EHOSTUNREACH" } : OPEN,
    );
    expect(told(findings, "address")).toEqual([
      `failed ${HOST} of the published addresses, ${PUBLISHED[2]} cannot be reached`,
    ]);
  });

  test("an address that is none of them is told, where all can be reached", async () => {
    const { findings } = await look(["192.0.2.1"], async () => OPEN);
    expect(told(findings, "address")[0]).toMatch(
      /^warn \S+ it resolves to 192.0.2.1, not among the published 34\./,
    );
  });

  test("all blocked is told with what to ask for", async () => {
    const { findings, open } = await look(PUBLISHED, async () => ({ ok: false, code: "ETIMEDOUT" }));
    expect(told(findings, "address")).toEqual([
      `failed ${HOST} none of the published addresses can be reached`,
    ]);
    expect(open).toBeUndefined();
  });
});

describe("the address that mail comes from", () => {
  test.each([
    ["ok", "203.0.113.7", ["203.0.113.7"]],
    ["failed", "203.0.113.8", ["203.0.113.7"]],
    ["unknown", "203.0.113.8", []],
    ["unknown", "10.1.2.3", ["203.0.113.7"]],
    ["unknown", "100.64.1.1", []],
    ["unknown", "fd00::1", ["203.0.113.7"]],
    ["ok", "10.1.2.3", ["10.1.2.3"]],
    ["unknown", undefined, ["203.0.113.7"]],
  ] as const)("%s: %s, registered %j", (status, address, registered) => {
    const finding = egressFinding(address, registered);
    expect(finding.status).toBe(status);
    expect(finding.remedy === null).toBe(status === "ok");
  });
});
