import fc from "fast-check";
import { expect, test } from "vitest";
import { isQueueId, queueIdMaker, timeOfQueueId } from "../../../src/spool/queue-id.ts";

test("ids sort by the time they were made, even when the clock stands still or goes back", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1_600_000_000_000, max: 4_000_000_000_000 }), { minLength: 2 }),
      (clock) => {
        let tick = 0;
        const make = queueIdMaker({ now: () => clock[tick++] ?? 0, random: Math.random });
        const ids = clock.map(() => make());
        expect(ids.toSorted()).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
      },
    ),
  );
});

test("an id is 14 letters and digits, ends in a letter, and tells its time", () => {
  for (const random of [() => 0, () => 0.999999]) {
    const id = queueIdMaker({ now: () => 1_790_000_000_123, random })();
    expect(id).toMatch(/^[0-9a-z]{13}[a-z]$/);
    expect(isQueueId(id)).toBe(true);
    expect(timeOfQueueId(id)).toBe(1_790_000_000_123);
  }
});

test("what is no queue id is not taken for one", () => {
  const id = queueIdMaker({ now: Date.now, random: Math.random })();
  expect(isQueueId(id)).toBe(true);
  for (const bad of ["", "1", `${id}x`, id.toUpperCase(), "../../etc/pwd1", `${id}.part`, "01234567890123"]) {
    expect(isQueueId(bad)).toBe(false);
  }
});
