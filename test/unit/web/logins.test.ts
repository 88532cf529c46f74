import { expect, test } from "vitest";
import { Logins } from "../../../src/web/logins.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function withClock() {
  const clock = { ms: 0 };
  return { clock, logins: new Logins(() => clock.ms) };
}

test("a link is good for one login", () => {
  const { logins } = withClock();
  const token = logins.issue();
  expect(Buffer.from(token, "base64url")).toHaveLength(32);
  const session = logins.logIn(token);
  expect(logins.knows(String(session))).toBe(true);
  expect(logins.logIn(token)).toBeUndefined();
  expect(logins.knows(token)).toBe(false);
});

test("a link is good for ten minutes", () => {
  const { clock, logins } = withClock();
  const [soon, late] = [logins.issue(), logins.issue()];
  clock.ms = 10 * MINUTE_MS - 1;
  expect(logins.logIn(soon)).toBeDefined();
  clock.ms += 1;
  expect(logins.logIn(late)).toBeUndefined();
});

test("a forged token or session is not known, however near it is", () => {
  const { logins } = withClock();
  const token = logins.issue();
  const near = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  for (const forged of ["", near, token.slice(1), `${token}=`, "a".repeat(100_000)])
    expect(logins.logIn(forged)).toBeUndefined();
  const session = String(logins.logIn(token));
  for (const forged of ["", session.slice(0, -1), session.toUpperCase(), `${session} `])
    expect(logins.knows(forged)).toBe(false);
  expect(logins.knows(session)).toBe(true);
});

test("a session ends after twelve hours in which nobody asked, and lives on while somebody does", () => {
  const { clock, logins } = withClock();
  const session = String(logins.logIn(logins.issue()));
  for (let n = 0; n < 5; n++) {
    clock.ms += 11 * HOUR_MS;
    expect(logins.knows(session)).toBe(true);
  }
  clock.ms += 12 * HOUR_MS;
  expect(logins.knows(session)).toBe(false);
});

test("links and sessions are few: the oldest goes", () => {
  const { logins } = withClock();
  const tokens = Array.from({ length: 17 }, () => logins.issue());
  expect(logins.logIn(String(tokens[0]))).toBeUndefined();
  expect(logins.logIn(String(tokens[1]))).toBeDefined();
  const sessions = Array.from({ length: 33 }, () => String(logins.logIn(logins.issue())));
  expect(logins.knows(String(sessions[0]))).toBe(false);
  expect(logins.knows(String(sessions[1]))).toBe(true);
});
