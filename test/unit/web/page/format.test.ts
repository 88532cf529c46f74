/** What the pages make of numbers, times and strangers' text. */
import { expect, test } from "vitest";
import {
  bytes,
  compact,
  count,
  percent,
  plain,
  plainLines,
  several,
  span,
} from "../../../../src/web/page/format.ts";
import { hashOf, type Route, routeOf } from "../../../../src/web/page/route.ts";

test("sizes are in the units of the config, short", () => {
  expect([0, 999, 1000, 1234, 999_600, 5_000_000, 123_456_789, -2_000_000].map(bytes)).toEqual([
    ...["0 B", "999 B", "1 KB", "1.2 KB", "1 MB", "5 MB", "123 MB", "−2 MB"],
  ]);
});

test("ages have two units at most, and no zeroes", () => {
  expect([-3, 0, 59, 60, 3599, 3600, 3661, 86_400, 190_000].map(span)).toEqual([
    ...["0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "1 h 1 min", "1 d", "2 d 4 h"],
  ]);
});

test("counts, shares and lists read as one would say them", () => {
  expect([count(1, "message"), count(1204, "message")]).toEqual(["1 message", "1,204 messages"]);
  expect([percent(0, 10), percent(1, 1000), percent(1, 3), percent(5, 0), percent(30, 10)]).toEqual([
    ...["0 %", "<1 %", "33 %", "–", "300 %"],
  ]);
  expect([several(["a", "b"], 2), several(["a", "b", "c", "d"], 2), several([], 2)]).toEqual([
    ...["a, b", "a, b and 2 more", ""],
  ]);
  expect([compact(0), compact(2500), compact(5_000_000)]).toEqual(["0", "2.5k", "5M"]);
});

test("characters that reorder, hide or break text are shown as their codes, all others stay", () => {
  expect(plain("a\u202eb\u2066c\u200bd\u0000e\nf\u00adg")).toBe(
    "a\\u202eb\\u2066c\\u200bd\\u0000e\\u000af\\u00adg",
  );
  for (const honest of ["Zoë Łukasz", "中文", "שלום", "👍", "<b>&amp;</b>", "a\\b"])
    expect(plain(honest)).toBe(honest);
  expect(plainLines("a\r\n\tb\rc\u001b[31m")).toBe("a\n\tb\nc\\u001b[31m");
});

test("what stands in the address bar comes back, whatever the term", () => {
  const routes: Route[] = [
    { view: "home" },
    { view: "message", id: "06k3t00000000a" },
    ...["<1@a.example>", "50%", "a/b#c?d", "ü <script>"].map((term): Route => ({ view: "search", term })),
  ];
  for (const route of routes) expect(routeOf(hashOf(route))).toEqual(route);
  for (const odd of ["", "#", "#home", "#message/", "#search/%20", "#other/x"])
    expect(routeOf(odd)).toEqual({ view: "home" });
  expect(routeOf("#search/50%")).toEqual({ view: "search", term: "50%" });
});
