import { fastify } from "fastify";
import { expect, onTestFinished, test, vi } from "vitest";
import { serveRepolicy } from "../../../src/control/repolicy-api.ts";
import type { RepolicyAsked, RepolicyPage } from "../../../src/spool/route.ts";

const ID = "1m84xr46400t1k";
const PAGE: RepolicyPage = {
  changed: [],
  unchanged: 3,
  skipped: [],
  next: ID,
  policy: { since: "2026-01-05T10:00:00.000Z", fingerprint: "0a1b" },
};

function served() {
  const server = fastify();
  onTestFinished(() => server.close());
  const repolicy = vi.fn(async (_asked: RepolicyAsked) => PAGE);
  serveRepolicy(server, { repolicy });
  const post = (payload: object) => server.inject({ method: "POST", url: "/api/v1/queue/repolicy", payload });
  return { post, repolicy };
}

test("a page is asked for, dry or not, from the start or after an id", async () => {
  const { post, repolicy } = served();
  expect((await post({ dryRun: true })).json()).toEqual(PAGE);
  await post({ dryRun: false, after: ID });
  expect(repolicy.mock.calls).toEqual([[{ mode: "look" }], [{ mode: "apply", after: ID }]]);
});

test.each([
  [{}],
  [{ dryRun: "yes" }],
  [{ dryRun: true, after: "../../etc/passwd" }],
  [{ dryRun: true, from: ID }],
])("%j is refused, and nothing is changed", async (payload) => {
  const { post, repolicy } = served();
  expect((await post(payload)).statusCode).toBeGreaterThanOrEqual(400);
  expect(repolicy).not.toHaveBeenCalled();
});
