import fc from "fast-check";
import { expect, test } from "vitest";
import { NoticeAllowance } from "../../../src/delivery/notice-allowance.ts";
import type { Address } from "../../../src/mail/address.ts";
import { fakeKept } from "../../support/fake-kept.ts";

const HOUR_MS = 3_600_000;
const ann = "ann@lab.example" as Address;
const failure = (id: string) => ({ id, recipients: [ann], reason: "550 no", acceptedMs: 1 });

test("never more than perHour in any 60 minutes, over restarts", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 }),
      fc.array(fc.record({ stepMs: fc.nat(HOUR_MS), restart: fc.boolean() }), { maxLength: 60 }),
      (perHour, steps) => {
        let now = 0;
        const kept = fakeKept();
        const make = () =>
          new NoticeAllowance(
            kept,
            () => perHour,
            () => now,
          );
        let allowance = make();
        const granted: number[] = [];
        for (const { stepMs, restart } of steps) {
          now += stepMs;
          if (restart) allowance = make();
          if (allowance.take()) granted.push(now);
        }
        for (const from of granted) {
          expect(granted.filter((ms) => ms >= from && ms < from + HOUR_MS).length).toBeLessThanOrEqual(
            perHour,
          );
        }
      },
    ),
  );
});

test("failures without a notice are counted for each addressee and due an hour after the first, with samples", async () => {
  let now = 0;
  const kept = fakeKept();
  const before = new NoticeAllowance(
    kept,
    () => 0,
    () => now,
  );
  for (let n = 0; n < 70; n++) {
    now += 1000;
    await before.count(ann, failure(`m${n}`));
  }
  const after = new NoticeAllowance(
    kept,
    () => 0,
    () => now,
  );
  expect(after.dueDigests()).toEqual([]);
  now = 1000 + HOUR_MS;
  const [[to, digest] = []] = after.dueDigests();
  expect(to).toBe(ann);
  expect(digest).toMatchObject({ sinceMs: 1000, count: 70 });
  expect(digest?.samples).toHaveLength(50);
  await after.count(ann, failure("late")); // while the digest is being sent
  if (digest) await after.digestSent(ann, digest);
  now += HOUR_MS;
  const [[, next] = []] = after.dueDigests();
  expect(next).toMatchObject({ count: 1 });
  if (next) await after.digestSent(ann, next);
  expect(
    new NoticeAllowance(
      kept,
      () => 0,
      () => now,
    ).dueDigests(),
  ).toEqual([]);
});

test("a clock that was set back neither blocks notices nor digests", async () => {
  let now = 10 * HOUR_MS;
  const allowance = new NoticeAllowance(
    fakeKept(),
    () => 1,
    () => now,
  );
  expect([allowance.take(), allowance.take()]).toEqual([true, false]);
  await allowance.count(ann, failure("m"));
  now = HOUR_MS;
  expect(allowance.take()).toBe(true);
  expect(allowance.dueDigests()).toHaveLength(1);
});

test("a failure is counted when it is on disk: count rejects when the disk does not take it", async () => {
  const full = { ...fakeKept(), put: () => Promise.reject(new Error("ENOSPC")) };
  const allowance = new NoticeAllowance(
    full,
    () => 0,
    () => 0,
  );
  await expect(allowance.count(ann, failure("m"))).rejects.toThrow("ENOSPC");
});
