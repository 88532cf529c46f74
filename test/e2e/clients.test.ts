/**
 * Real programs, as people have them: each hands in one message, and it arrives. A program that is not installed
 * is skipped with its name; with SLUICE_REQUIRE_CLIENTS (CI) it fails.
 */
import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { installed } from "../support/installed.ts";
import { Relay } from "../support/relay.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const CONFIG = "senders: { rewrite: [{ match: '*@*', to: app@lab.example }] }";

/** Feeds `input` to a program as a pipe does, and gives what it printed. */
async function piped(program: string, args: string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
  return output;
}

const PYTHON = `
import smtplib, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"] = "Reports <cron@app01.lab.example>"
m["To"] = "bob@example.org"
m["Subject"] = "from python"
m.set_content("Gr\\u00fc\\u00dfe\\n")
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    print(s.send_message(m))
`;

/** What each program does with the port, and the subject that arrives. */
const CLIENTS: Record<string, (relay: Relay) => Promise<unknown>> = {
  swaks: ({ port }) =>
    run("swaks", [
      "--server",
      "127.0.0.1",
      "--port",
      String(port),
      "--from",
      "cron@app01.lab.example",
      "--to",
      "bob@example.org",
      "--header",
      "Subject: from swaks",
    ]),
  curl: ({ port }) =>
    piped(
      "curl",
      [
        "-sS",
        `smtp://127.0.0.1:${port}`,
        "--mail-from",
        "cron@app01.lab.example",
        "--mail-rcpt",
        "bob@example.org",
        "-T",
        "-",
      ],
      "Subject: from curl\n\nhello\n",
    ),
  msmtp: ({ port }) =>
    piped(
      "msmtp",
      [
        "--host=127.0.0.1",
        `--port=${port}`,
        "--from=cron@app01.lab.example",
        "--auth=off",
        "--tls=off",
        "bob@example.org",
      ],
      "From: cron@app01.lab.example\nTo: bob@example.org\nSubject: from msmtp\n\nhello\n",
    ),
  python3: async ({ port, folder }) => {
    const script = join(folder, "send.py");
    await writeFile(script, PYTHON);
    await run("python3", [script, String(port)]);
  },
  nc: ({ port }) =>
    piped(
      "nc",
      ["-N", "127.0.0.1", String(port)],
      "HELO x\r\nMAIL FROM:<root>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: from nc\r\n\r\nhello\r\n.\r\nQUIT\r\n",
    ),
};

const names: Record<string, string> = { python3: "from python" };

describe.each(Object.entries(CLIENTS))("%s", (program, send) => {
  test.skipIf(!installed(program))(`${program} hands in a message and it arrives`, async () => {
    const relay = await Relay.start({ config: CONFIG });
    await send(relay);
    const arrived = await until("it arrived", () => relay.arrived[0]);
    expect(arrived.subject).toBe(names[program] ?? `from ${program}`);
    expect(arrived.headerFrom).toBe("app@lab.example");
    expect(arrived.recipients).toEqual(["bob@example.org"]);
  });
});
