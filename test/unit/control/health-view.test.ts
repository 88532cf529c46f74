import { expect, test } from "vitest";
import type { HealthView } from "../../../src/control/health-text.ts";
import { withMailWaiting } from "../../../src/control/health-view.ts";

const NONE = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };
const counts = (portal: object, news: object = {}) => [
  { account: "portal", states: { ...NONE, ...portal } },
  { account: "news", states: { ...NONE, ...news } },
  { account: null, states: { ...NONE, held: 3 } },
];
const reason = (code: string, account?: string) => ({
  code,
  reason: code,
  nextProbe: null,
  ...(account === undefined ? {} : { account }),
});
const health = (...reasons: HealthView["reasons"]): HealthView => ({ ok: false, reasons, warnings: [] });
const stopped = health(reason("account-stopped", "portal"));
const WELL = { ok: true, reasons: [], warnings: [] };

test("a breaker is a reason while mail waits for it", () => {
  for (const state of ["incoming", "active", "deferred"])
    expect(withMailWaiting(stopped, counts({ [state]: 1 }))).toEqual(stopped);
});

test("a breaker without mail is none, nor is one whose mail is held, bounced, or another account's", () => {
  expect(withMailWaiting(stopped, counts({}))).toEqual(WELL);
  expect(withMailWaiting(stopped, counts({ held: 5, bounced: 5 }, { incoming: 5 }))).toEqual(WELL);
  expect(withMailWaiting(health(reason("pair-stopped", "portal")), counts({}))).toEqual(WELL);
});

test("the upstream is a reason for the mail of every account", () => {
  const down = health(reason("upstream-stopped"));
  expect(withMailWaiting(down, counts({}, { deferred: 1 }))).toEqual(down);
  expect(withMailWaiting(down, counts({}))).toEqual(WELL);
});

test("that nothing is delivered is a reason while there is mail to deliver, not when it was deleted or its account went", () => {
  const told = health(reason("nothing-delivered", "portal"));
  expect(withMailWaiting(told, counts({ deferred: 2 }))).toEqual(told);
  expect(withMailWaiting(told, counts({ held: 1, bounced: 2 }, { deferred: 1 }))).toEqual(WELL);
  expect(withMailWaiting(health(reason("nothing-delivered", "gone")), counts({ deferred: 2 }))).toEqual(WELL);
});

test("other reasons stand whatever is in the queue, and so do all while that is not known", () => {
  const low = health(reason("disk-low"), { reason: "the config was refused", nextProbe: null });
  expect(withMailWaiting(low, counts({}))).toEqual(low);
  expect(withMailWaiting(stopped, undefined)).toEqual(stopped);
});
