import { expect, test } from "vitest";
import { type YearSource, yearView } from "../../../src/control/year-view.ts";

const DAY_MS = 86_400_000;
const perYear = { starts: "07-01", at: "hold", messages: 50_000 } as const;

/** 100 messages a day from then on, spread over each day. */
function steady(firstDay: string, nowMs: number): YearSource {
  const days: { day: string; messages: number; bytes: number }[] = [];
  for (let atMs = Date.parse(firstDay); atMs < nowMs; atMs += DAY_MS) {
    const messages = 100 * Math.min(1, (nowMs - atMs) / DAY_MS);
    days.push({ day: new Date(atMs).toISOString().slice(0, 10), messages, bytes: messages });
  }
  const within = (fromMs: number, toMs: number) => {
    const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 10)) as [
      string,
      string,
    ];
    return days.filter(({ day }) => day >= from && day < to);
  };
  return {
    days: (_account, fromMs, toMs) => within(fromMs, toMs),
    totals: (_account, { fromMs, toMs }) => {
      const messages = within(fromMs, toMs).reduce((sum, day) => sum + day.messages, 0);
      return new Map([["us", { messages, bytes: messages }]]);
    },
  };
}

test.each(["2026-09-10T00:00:00Z", "2026-09-10T06:00:00Z", "2026-09-10T18:00:00Z"])(
  "what goes on as it went comes to as much a day, asked at %s",
  (now) => {
    const nowMs = Date.parse(now);
    const { messages } = yearView(steady("2026-07-01", nowMs), { name: "portal", perYear }, nowMs);
    expect(messages.forecast).toBe(36_500);
  },
);
