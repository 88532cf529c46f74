/** The simulator's page on the wire: who may ask, what is answered, what is told of a message. */
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Arrivals, openArrivals } from "../../src/sandbox/arrivals.ts";
import { type Page, servePage } from "../../src/sandbox/page.ts";
import type { ArrivedMessage, ArrivedRow } from "../../src/sandbox/page-view.ts";

const ASSETS = new Map([
  ["/", { type: "text/html; charset=utf-8", body: Buffer.from("<!doctype html>the page") }],
]);
const SESSION = { id: "s1", tls: "TLSv1.3", cipher: "", mails: 1, authenticated: true, quit: true };

let dir: string;
let arrivals: Arrivals;
let page: Page;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-page-"));
  arrivals = await openArrivals(dir);
  page = await servePage({
    source: { arrived: arrivals.newest, sessions: [SESSION] },
    ...{ assets: ASSETS, host: "127.0.0.1", port: 0 },
  });
});
afterEach(async () => {
  await page.close();
  await arrivals.close();
  await rm(dir, { recursive: true });
});

interface Answered {
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** As a browser would, but with any Host and method. */
function ask(
  path: string,
  { host, method = "GET" }: { host?: string; method?: string } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { port, host: own } = new URL(page.url);
    const asked = request(
      { host: "127.0.0.1", port, path, method, headers: { host: host ?? own } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

function keep(raw: string, subject = "hello") {
  const facts = { sender: "portal@lab.example", headerFrom: "portal@lab.example", subject };
  return arrivals.keep(
    { ...facts, at: "2026-11-24T14:26:40.000Z", session: "s1", recipients: ["dean@lab.example"] },
    Buffer.from(raw),
  );
}

test("the page is served with a policy that lets nothing in, and rows come newest first", async () => {
  await keep("Subject: one\r\n\r\nfirst\r\n", "one");
  await keep("Subject: two\r\n\r\nsecond\r\n", "two");
  const { status, headers, body } = await ask("/");
  expect({ status, body }).toEqual({ status: 200, body: "<!doctype html>the page" });
  expect(headers["content-security-policy"]).toMatch(
    /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
  );
  const list = JSON.parse((await ask("/arrived")).body) as { rows: ArrivedRow[]; total: number };
  expect(list.total).toBe(2);
  expect(list.rows.map(({ subject, number, tls }) => [subject, number, tls])).toEqual([
    ["two", 2, "TLSv1.3"],
    ["one", 1, "TLSv1.3"],
  ]);
});

test("one message has its head as it came and its text, decoded; of HTML and attachments only that they are there", async () => {
  const head = "Subject: =?utf-8?q?caf=C3=A9?=\r\nContent-Type: multipart/mixed; boundary=b";
  const part = (type: string, body: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
  const parts = [
    part("text/plain; charset=utf-8", "caf\u00e9"),
    part("text/html", "<p>html</p>"),
    part('application/pdf; name="bill.pdf"', "%PDF"),
  ];
  await keep(`${head}\r\n\r\n${parts.join("")}--b--\r\n`);
  const message = JSON.parse((await ask("/arrived/1")).body) as ArrivedMessage;
  expect(message.head).toBe(head);
  expect(message.text.trim()).toBe("caf\u00e9");
  expect(message.htmlBytes).toBeGreaterThan(0);
  expect(JSON.stringify(message)).not.toContain("<p>html</p>");
  expect(message.attachments).toEqual([{ name: "bill.pdf", type: "application/pdf", sizeBytes: 4 }]);
});

test("a message whose bytes are no longer in memory is read from its file", async () => {
  const arrived = await keep("Subject: old\r\n\r\nfrom disk\r\n");
  delete arrived.raw;
  expect((JSON.parse((await ask("/arrived/1")).body) as ArrivedMessage).text).toContain("from disk");
});

test("another site's name for this machine gets nothing, and nothing but GET is done", async () => {
  await keep("Subject: one\r\n\r\nfirst\r\n");
  for (const host of ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::2]"])
    expect((await ask("/arrived", { host })).status).toBe(421);
  for (const host of ["localhost:8026", "127.0.0.1", "[::1]:8026"])
    expect((await ask("/arrived", { host })).status).toBe(200);
  expect((await ask("/arrived", { method: "POST" })).status).toBe(405);
  for (const path of ["/arrived/2", "/arrived/x", "/../package.json", "/page/none.js", "/arrived/1/raw"])
    expect((await ask(path)).status).toBe(404);
});

test("only the newest 200 are listed, and how many there are is said", async () => {
  for (let i = 0; i < 203; i++) await keep("Subject: many\r\n\r\n.\r\n", `many ${i}`);
  const { rows, total } = JSON.parse((await ask("/arrived")).body) as { rows: ArrivedRow[]; total: number };
  expect([rows.length, rows[0]?.subject, total]).toEqual([200, "many 202", 203]);
});

test("it listens on this machine only, and says which port is taken", async () => {
  const options = { source: { arrived: [], sessions: [] }, assets: ASSETS };
  await expect(servePage({ ...options, host: "0.0.0.0", port: 0 })).rejects.toThrow("others could read it");
  const port = Number(new URL(page.url).port);
  await expect(servePage({ ...options, host: "127.0.0.1", port })).rejects.toThrow("another program has it");
});
