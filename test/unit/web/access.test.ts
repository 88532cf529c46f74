import { expect, test } from "vitest";
import { type Asked, judge, ownNames } from "../../../src/web/access.ts";

const own = ownNames({ host: "127.0.0.1", port: 8025 }, "app01.lab.example");
const open = ownNames({ host: "0.0.0.0", port: 8025 }, "App01.lab.example");
const host = "127.0.0.1:8025";
const action = {
  method: "POST",
  path: "/api/v1/queue/x/hold",
  headers: { host, "content-type": "application/json", "x-sluice": "1" },
};

/** 200: allowed. */
function code(asked: Partial<Asked>, who: "logged in" | "a stranger", names = own): number {
  const answer = judge(
    { method: "GET", path: "/", headers: { host }, ...asked },
    names,
    () => who === "logged in",
  );
  return answer.allowed ? 200 : answer.code;
}

test("the page, the API and unknown paths are for those who are logged in, the probes and the login for all", () => {
  for (const path of [
    "/",
    "/app.js",
    "/api/v1/overview",
    "/api/v1/events",
    "/nothing",
    "/healthz/",
    "/Metrics",
  ])
    expect([path, code({ path }, "a stranger"), code({ path }, "logged in")]).toEqual([path, 401, 200]);
  for (const path of ["/healthz", "/readyz", "/metrics", "/login"])
    expect([path, code({ path }, "a stranger")]).toEqual([path, 200]);
  expect(code({ method: "HEAD", path: "/healthz" }, "a stranger")).toBe(200);
  expect(code({ method: "HEAD", path: "/login" }, "a stranger")).toBe(401);
  expect(code({ method: "POST", path: "/healthz" }, "a stranger")).toBe(401);
});

test.each([
  [host, 200],
  ["localhost:8025", 200],
  ["LOCALHOST:8025", 200],
  ["[::1]:8025", 200],
  ["127.0.0.1", 421],
  ["127.0.0.1:80", 421],
  ["localhost:8025.evil.example", 421],
  ["evil.example:8025", 421],
  ["evil.example", 421],
  ["app01.lab.example:8025", 421],
  ["127.0.0.1:8025@evil.example", 421],
  ["", 421],
  [undefined, 421],
])("Host %j is answered with %i, for the probes too", (name, expected) => {
  const headers = { host: name };
  expect(code({ headers }, "logged in")).toBe(expected);
  expect(code({ path: "/metrics", headers }, "a stranger")).toBe(expected);
});

test("where sluice listens to the network the config's name is ours too, and probes answer under any name", () => {
  expect(code({ headers: { host: "app01.lab.example:8025" } }, "logged in", open)).toBe(200);
  expect(code({ headers: { host: "localhost:8025" } }, "logged in", open)).toBe(200);
  expect(code({ headers: { host: "10.1.2.3:8025" } }, "logged in", open)).toBe(421);
  expect(code({ path: "/readyz", headers: { host: "10.1.2.3:8025" } }, "a stranger", open)).toBe(200);
});

test("port 80 may be left out of Host", () => {
  const names = ownNames({ host: "127.0.0.1", port: 80 }, "x");
  expect([...names.hosts]).toContain("localhost");
  expect([...own.hosts]).not.toContain("localhost");
});

test.each([
  ["http://127.0.0.1:8025", 200],
  ["http://localhost:8025", 403],
  ["http://127.0.0.1:3000", 403],
  ["https://127.0.0.1:8025", 403],
  ["http://evil.example", 403],
  ["null", 403],
  ["", 403],
])("Origin %j is answered with %i, reading or changing", (origin, expected) => {
  expect(code({ ...action, headers: { ...action.headers, origin } }, "logged in")).toBe(expected);
  expect(code({ path: "/api/v1/events", headers: { host, origin } }, "logged in")).toBe(expected);
});

test.each([
  ["same-origin", 200],
  ["none", 200],
  ["same-site", 403],
  ["cross-site", 403],
])("Sec-Fetch-Site %s is answered with %i", (site, expected) => {
  const fetched = { "sec-fetch-site": site, "sec-fetch-mode": "cors" };
  expect(code({ path: "/api/v1/overview", headers: { host, ...fetched } }, "logged in")).toBe(expected);
  expect(code({ ...action, headers: { ...action.headers, ...fetched } }, "logged in")).toBe(expected);
});

test("a link elsewhere may lead a person to the page and to the login, and nowhere else", () => {
  const headers = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  expect(code({ path: "/", headers }, "logged in")).toBe(200);
  expect(code({ path: "/login", headers }, "a stranger")).toBe(200);
  expect(code({ path: "/api/v1/overview", headers }, "logged in")).toBe(403);
  expect(code({ method: "POST", path: "/", headers: { ...action.headers, ...headers } }, "logged in")).toBe(
    403,
  );
});

test("a browser that looks ahead does not use a link up", () => {
  expect(code({ path: "/login", headers: { host, "sec-purpose": "prefetch" } }, "a stranger")).toBe(403);
});

test("an action needs what no form can send", () => {
  const { "x-sluice": _field, ...without } = action.headers;
  expect(code(action, "logged in")).toBe(200);
  expect(code(action, "a stranger")).toBe(401);
  expect(code({ ...action, headers: without }, "logged in")).toBe(403);
  expect(code({ ...action, headers: { ...action.headers, "x-sluice": "0" } }, "logged in")).toBe(403);
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/jsonp",
    "",
  ])
    expect(code({ ...action, headers: { ...action.headers, "content-type": type } }, "logged in")).toBe(415);
  const charset = { ...action.headers, "content-type": "application/json; charset=utf-8" };
  expect(code({ ...action, headers: charset }, "logged in")).toBe(200);
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"])
    expect(code({ ...action, method, headers: without }, "logged in")).toBe(403);
});
