/** The clocks that a test can set (clock-hook.mjs): the agent goes by them, at once and from its start. */
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { until } from "../support/until.ts";
import { submitted } from "./journals.ts";

const DAY_MS = 86_400_000;

test("an agent whose clock a test sets writes the day that the test says, before a restart and after it", async () => {
  const relay = await Relay.start({ clock: "test" });
  const daysOff = async (count: number) => {
    await submitted(relay.port, { id: `m${count}` });
    const line = await until("it is delivered", () => relay.events("delivered")[count]);
    expect(line.delay).toBeLessThan(60);
    return (Date.parse(String(line.time)) - Date.now()) / DAY_MS;
  };
  expect(await daysOff(0)).toBeCloseTo(0);
  await relay.jumpClock({ wallMs: 3 * DAY_MS, monotonicMs: DAY_MS });
  expect(await daysOff(1)).toBeCloseTo(3);
  await relay.down();
  await relay.jumpClock({ wallMs: -DAY_MS });
  await relay.up();
  expect(await daysOff(2)).toBeCloseTo(2);
});
