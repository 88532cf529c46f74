/** When will it go? What `queue` says of mail that waits for the budget, and when it then really goes. */
import { expect, test } from "vitest";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

async function show(relay: Relay, id: string): Promise<QueueRow> {
  return JSON.parse((await relay.command("queue", "show", id, "--json")).stdout);
}

test("a message that waits for the budget is told with the time at which it then really goes", async () => {
  const relay = await Relay.start({ pace: "{ perHour: 9000, burst: 2 }" });
  const ids: string[] = [];
  for (let n = 0; n < 40; n++) ids.push((await submit(relay.port)).id);
  await until("the budget is used", () => relay.events("paced").length > 0);
  const id = ids[39] as string;
  const askedMs = Date.now();
  const row = await until("its time is known", async () => {
    const shown = await show(relay, id);
    return shown.nextAttempt === null ? undefined : shown;
  });
  expect(row.reason).toMatch(/^it goes at the account's pace: \d+ of 9000 messages in the last 60 minutes$/);
  const told = Date.parse(row.nextAttempt as string);
  const gone = await until("it goes", () => relay.events("delivered").find((line) => line.id === id), 60_000);
  const wentMs = Date.parse(String(gone.time));
  expect(Math.abs(wentMs - told)).toBeLessThan(0.1 * (wentMs - askedMs) + 500);
  const list: QueueRow[] = JSON.parse((await relay.command("queue", "list", "--json")).stdout);
  expect(list).toEqual([]);
});

test("urgent mail behind bulk mail goes within two intervals, and is told so", async () => {
  const relay = await Relay.start({
    pace: "{ perHour: 3600, burst: 1, urgentShare: 50% }",
    config: "urgent: { headers: { X-Priority: '1' } }",
  });
  for (let n = 0; n < 50; n++) await submit(relay.port);
  await until("bulk mail is paced", () => relay.events("paced").length > 0);
  const { id } = await submit(relay.port, { data: "X-Priority: 1\r\nSubject: urgent\r\n\r\nx\r\n" });
  const acceptedMs = Date.now();
  const gone = await until("it goes", () => relay.events("delivered").find((line) => line.id === id));
  expect(Date.parse(String(gone.time)) - acceptedMs).toBeLessThan(2 * 1002 + 500);
  expect(relay.arrived.length).toBeLessThan(20);
});
