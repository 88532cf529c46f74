/** Two accounts share the upstream's breaker: one's unused session must not take the probe of the other. */
import { expect, test } from "vitest";
import { Gate } from "../../src/delivery/gate.ts";
import { ACCOUNT_WAITS, Breaker, UPSTREAM_WAITS } from "../../src/upstream/breaker.ts";

test("an unused session of one account does not undo the waits of another's probe", () => {
  let now = 0;
  const clock = () => now;
  const upstream = new Breaker(UPSTREAM_WAITS, clock);
  const gate = (accountName: string) =>
    new Gate({
      accountName,
      upstream,
      account: new Breaker(ACCOUNT_WAITS, clock),
      events: { report: () => {}, fact: async () => {} },
      onClosed: () => {},
    });
  const a = gate("a");
  const b = gate("b");
  expect(b.admit()).toBe(0); // b opens a session, and finds nothing to send
  b.connected();
  expect(a.admit()).toBe(0);
  a.refused({ stage: "connect", cause: "ECONNREFUSED", text: "no" }); // opens: 5 s
  now = 5000;
  expect(a.admit()).toBe(0); // a is the probe
  b.unused(); // b's session of before ends without mail
  a.refused({ stage: "connect", cause: "ECONNREFUSED", text: "no" });
  expect(a.admit()).toBeGreaterThan(0); // ten seconds more
});
