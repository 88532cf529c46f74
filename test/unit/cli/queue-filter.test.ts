import { Command } from "commander";
import { expect, test } from "vitest";
import {
  type FilterOptions,
  filterOf,
  filterText,
  isFiltered,
  queryOf,
  withFilters,
} from "../../../src/cli/queue-filter.ts";

function parsed(...args: string[]): FilterOptions {
  const command = withFilters(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return command.parse(args, { from: "user" }).opts();
}

test("all filters together are what the API is asked for, and what a person reads", () => {
  const options = parsed(
    ...["--state", "held", "--sender", "news@", "--recipient", "a&b", "--account", "portal"],
    ...["--user", "www-data", "--older-than", "90m", "--limit", "5"],
  );
  const filter = filterOf(options);
  expect(filter).toEqual({
    state: "held",
    sender: "news@",
    recipient: "a&b",
    account: "portal",
    user: "www-data",
    olderThanMs: 5_400_000,
  });
  expect(Object.fromEntries(queryOf({ ...filter, verb: "hold" }, { limit: 5, after: "x" }))).toEqual({
    ...filter,
    olderThanMs: "5400000",
    verb: "hold",
    limit: "5",
    after: "x",
  });
  expect(filterText(options)).toBe(
    " (state held, sender news@, recipient a&b, account portal, user www-data, older than 90m, at most 5)",
  );
});

test("without a filter there is none to speak of; a limit is one for a verb", () => {
  expect([isFiltered(parsed()), filterText(parsed())]).toEqual([false, ""]);
  expect(isFiltered(parsed("--limit", "1"))).toBe(true);
  expect(filterOf(parsed("--limit", "1"))).toEqual({});
});

test("what a person is asked about hides no control characters", () => {
  expect(filterText(parsed("--sender", "\x1b[2Kx"))).toBe(" (sender \\x1b[2Kx)");
});

test.each([
  ["--state", "lost"],
  ["--older-than", "soon"],
  ["--sender", ""], // "$SENDER", not set: a verb must not be done to all
  ["--recipient", " "],
  ["--limit", "0"],
  ["--limit", "many"],
])("%s %s is refused", (...args) => {
  expect(() => parsed(...args)).toThrow(/argument .* is invalid/);
});
