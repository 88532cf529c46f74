/** The status page's server over real sockets: who gets what, and what it does with those who mean no good. */
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { type PageServer, pageServer, say } from "./page-server.ts";

/** A request with whatever Host it says; fetch would not let us. */
function ask(
  { port }: PageServer,
  path: string,
  {
    method = "GET",
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ code: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const ACTION = { method: "POST", body: "{}" };
const HOLD = "/api/v1/queue/1m84xr46400t1k/hold";
const action = { "content-type": "application/json", "x-sluice": "1" };

describe("a login", () => {
  test("is made by a link, once, and leaves no token behind", async () => {
    const server = await pageServer();
    const link = new URL(server.web.statusUrl());
    const first = await ask(server, `${link.pathname}${link.search}`);
    expect(first).toMatchObject({ code: 303, headers: { location: "/" } });
    const [cookie] = first.headers["set-cookie"] as string[];
    expect(cookie).toMatch(/^sluice-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    const again = await ask(server, `${link.pathname}${link.search}`);
    expect(again.code).toBe(403);
    expect(again.text).toContain("sluice status-url");
    expect(again.headers["set-cookie"]).toBeUndefined();
    const page = await ask(server, "/", { headers: { cookie: String(cookie).split(";")[0] as string } });
    expect(page).toMatchObject({ code: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  });

  test("by a link on another site goes on from a page of ours: with a redirect no browser sends the cookie", async () => {
    const server = await pageServer();
    const { pathname, search } = new URL(server.web.statusUrl());
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const answer = await ask(server, pathname + search, { headers });
    expect(answer.code).toBe(200);
    expect(answer.headers["set-cookie"]).toHaveLength(1);
    expect(answer.text).toContain('<meta http-equiv="refresh" content="0; url=/">');
  });

  test.each(["/login", "/login?token=", "/login?token=x", "/login?token[]=x", "/login?token=a&token=b"])(
    "is not made by %s",
    async (path) => expect(await ask(await pageServer(), path)).toMatchObject({ code: 403 }),
  );

  test("is not used up by HEAD", async () => {
    const server = await pageServer();
    const { pathname, search } = new URL(server.web.statusUrl());
    expect((await ask(server, pathname + search, { method: "HEAD" })).code).toBe(401);
    expect((await ask(server, pathname + search)).code).toBe(303);
  });

  test("is needed for everything that shows mail, unknown paths included; the page says how to get one", async () => {
    const server = await pageServer();
    for (const path of [
      "/",
      "/api/v1/overview",
      "/api/v1/events",
      "/api/v1/health",
      "/api/v1/queue",
      "/x",
      "//healthz",
    ])
      expect([path, (await ask(server, path)).code]).toEqual([path, 401]);
    expect((await ask(server, "/")).text).toContain("<code>sluice status-url</code>");
    const forged = { cookie: `sluice-${server.port}=${"a".repeat(43)}` };
    expect((await ask(server, "/api/v1/overview", { headers: forged })).code).toBe(401);
    expect(server.overviews()).toBe(0);
  });

  test("cannot be asked for here, only at the control socket", async () => {
    const server = await pageServer();
    const headers = { ...action, cookie: await server.login() };
    expect((await ask(server, "/api/v1/login-token", { ...ACTION, headers })).code).toBe(404);
  });
});

describe("who is logged in", () => {
  test("may read and act", async () => {
    const server = await pageServer();
    const cookie = await server.login();
    expect((await ask(server, "/api/v1/overview", { headers: { cookie } })).code).toBe(200);
    expect((await ask(server, HOLD, { ...ACTION, headers: { ...action, cookie } })).code).toBe(200);
    expect(server.applied).toEqual(["hold 1m84xr46400t1k"]);
  });

  test.each<[string, Record<string, string>, number]>([
    ["another Host", { ...action, host: "evil.example" }, 421],
    ["another origin", { ...action, origin: "http://evil.example" }, 403],
    ["another port's origin", { ...action, origin: "http://127.0.0.1:3000" }, 403],
    ["another site", { ...action, "sec-fetch-site": "cross-site" }, 403],
    ["another port of this machine", { ...action, "sec-fetch-site": "same-site" }, 403],
    ["no field of ours", { "content-type": "application/json" }, 403],
    ["a form", { "x-sluice": "1", "content-type": "application/x-www-form-urlencoded" }, 415],
    ["plain text", { "x-sluice": "1", "content-type": "text/plain" }, 415],
  ])("does nothing with %s", async (_, headers, code) => {
    const server = await pageServer();
    const cookie = await server.login();
    expect((await ask(server, HOLD, { ...ACTION, headers: { ...headers, cookie } })).code).toBe(code);
    expect(server.applied).toEqual([]);
  });

  test("changes nothing by GET or HEAD", async () => {
    const server = await pageServer();
    const headers = { ...action, cookie: await server.login() };
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
      expect((await ask(server, HOLD, { method, headers })).code).toBeGreaterThanOrEqual(400);
    expect(server.applied).toEqual([]);
  });

  test("gets a sentence in JSON for what is not there, for nonsense, and for trouble; never a stack", async () => {
    const server = await pageServer();
    const headers = { ...action, cookie: await server.login() };
    const answers = [
      await ask(server, "/nothing", { headers }),
      await ask(server, "/api/v1/queue?limit=-1", { headers }),
      await ask(server, "/api/v1/queue", { headers }),
      await ask(server, HOLD, { method: "POST", headers, body: "{" }),
      await ask(server, HOLD, {
        method: "POST",
        headers,
        body: JSON.stringify({ reason: "x".repeat(100_000) }),
      }),
      await ask(server, `/api/v1/trace?term=${"x".repeat(1001)}&limit=0`, { headers }),
      await ask(server, "/api/v1/queue/bulk/hold", { ...ACTION, headers, body: '{"ids":[],"more":1}' }),
      await ask(server, "/%zz", { headers }),
      await ask(server, "/api/v1/queue/%00..%2f..%2fetc%2fpasswd", { headers }),
    ];
    expect(answers.map(({ code }) => code)).toEqual([404, 400, 500, 400, 413, 400, 400, 400, 404]);
    for (const { text, headers } of answers) {
      expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^[^[{\n]+$/) });
      expect(text).not.toMatch(/node_modules|\.ts:|\bat /);
      expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    }
  });
});

describe("the probes", () => {
  test("are open to all, and repeat no word of a stranger", async () => {
    const server = await pageServer();
    const health = await ask(server, "/healthz");
    expect(health.code).toBe(503);
    expect(JSON.parse(health.text)).toEqual({
      ok: false,
      reasons: [
        {
          code: "pair-stopped",
          account: "portal",
          words: "the upstream refuses a sender of the account",
          nextProbe: null,
        },
        { code: "other", words: "see `sluice` on that machine", nextProbe: null },
      ],
      warnings: ["the config file is not what is in force: see `sluice`, or the log"],
    });
    expect(await ask(server, "/readyz")).toMatchObject({ code: 200, text: '{"ok":true}' });
    expect((await ask(server, "/readyz", { method: "HEAD" })).code).toBe(200);
    expect((await ask(server, "/healthz", { headers: { host: "evil.example" } })).code).toBe(421);
  });

  test("say that mail is not accepted while sluice stops", async () => {
    const server = await pageServer({ accepts: () => false });
    expect(await ask(server, "/readyz")).toMatchObject({ code: 503, text: '{"ok":false}' });
  });

  test("give the metrics in the form that is asked for", async () => {
    const server = await pageServer();
    expect((await ask(server, "/metrics")).text).toBe("prometheus");
    const accept =
      "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    expect((await ask(server, "/metrics", { headers: { accept } })).text).toBe("openmetrics");
  });
});

test("every answer forbids what is foreign and is kept nowhere: pages, errors, refusals, streams", async () => {
  const server = await pageServer();
  const cookie = await server.login();
  const stream = new AbortController();
  const live = await fetch(`http://127.0.0.1:${server.port}/api/v1/events`, {
    headers: { cookie },
    signal: stream.signal,
  });
  const answers = [
    Object.fromEntries(live.headers),
    (await ask(server, "/")).headers,
    (await ask(server, "/", { headers: { cookie } })).headers,
    (await ask(server, "/nothing", { headers: { cookie } })).headers,
    (await ask(server, "/metrics", { headers: { host: "evil.example" } })).headers,
    (await ask(server, "/%zz")).headers,
  ];
  stream.abort();
  for (const headers of answers) {
    expect(headers).toMatchObject({
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    expect(Object.keys(headers).filter((name) => /^(server|x-powered-by|access-control)/.test(name))).toEqual(
      [],
    );
  }
});

test("the host name that the page is known by is the config's of now, also when another was there at the start", async () => {
  let hostname = "old.lab.example";
  // The loopback in a form that counts as an address of the network.
  const listen = { host: "::ffff:127.0.0.1", port: 0 };
  const server = await pageServer({ listen, hostname: () => hostname });
  const { pathname, search } = new URL(server.web.statusUrl());
  const { headers } = await ask(server, pathname + search);
  const cookie = String(headers["set-cookie"]).split(";")[0] as string;
  const codeAs = async (name: string) =>
    (await ask(server, "/", { headers: { cookie, host: `${name}:${server.port}` } })).code;
  expect([await codeAs("old.lab.example"), await codeAs("new.lab.example")]).toEqual([200, 421]);
  hostname = "new.lab.example";
  expect([await codeAs("old.lab.example"), await codeAs("new.lab.example")]).toEqual([421, 200]);
});

describe("bytes that mean no good", () => {
  test.each<[string, string, RegExp]>([
    ["no Host", "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n", /^HTTP\/1.1 400/],
    ["no Host, old HTTP", "GET /metrics HTTP/1.0\r\n\r\n", /^HTTP\/1.1 421/],
    [
      "two Hosts",
      "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n",
      /^HTTP\/1.1 4(00|21)/,
    ],
    [
      "another host in the request line",
      "GET http://evil.example/api/v1/overview HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n",
      /^HTTP\/1.1 401/,
    ],
    ["another protocol", "EHLO x\r\nMAIL FROM:<a@b>\r\n", /^HTTP\/1.1 400/],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /^HTTP\/1.1 400/],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      /^HTTP\/1.1 400/,
    ],
    [
      "a head without end",
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX: ${"x".repeat(20_000)}`,
      /^HTTP\/1.1 431/,
    ],
    [
      "an upgrade",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
      /^HTTP\/1.1 401/,
    ],
    [
      "a tunnel",
      "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
      /^(HTTP\/1.1 4.*)?$/s,
    ],
  ])("%s: refused, and the server goes on", async (_, bytes, expected) => {
    const server = await pageServer();
    expect(
      await say(server.port, Buffer.from(bytes.replaceAll("PORT", String(server.port)), "latin1")),
    ).toMatch(expected);
    expect((await ask(server, "/readyz")).code).toBe(200);
    expect(server.overviews()).toBe(0);
  });
});

test("an address that somebody else has is an error, and leaves nothing open", async () => {
  const server = await pageServer();
  await expect(pageServer({ listen: { host: "127.0.0.1", port: server.port } })).rejects.toThrow(
    "EADDRINUSE",
  );
});
