/**
 * `sluice sendmail` under the names and with the words that programs use, against the real agent: what they hand in
 * arrives, and what is refused is told by the exit code. A program that is not installed is skipped with its name; with
 * SLUICE_REQUIRE_CLIENTS (CI) it fails.
 */
import { spawn } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAIN } from "../support/build.ts";
import { installed } from "../support/installed.ts";
import { RelayProcess } from "../support/relay-process.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const CONFIG = `
senders: { rewrite: [{ match: '*@app01.lab.example', to: app@lab.example }] }
limits: { messageSize: 100KB }
recipients: { aliases: { root: ops@example.org } }`;

let relay: RelayProcess;
/** The program as a package installs it: by name, in a folder of its own. */
let sendmail: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  relay = await RelayProcess.prepare({ config: CONFIG });
  await relay.up();
  const bin = join(relay.folder, "bin");
  await mkdir(bin);
  // As cron and PHP start it: through sh, with little in the environment.
  const call = `exec ${process.execPath} ${join(bin, "js", "sendmail")} "$@"`;
  await mkdir(join(bin, "js"));
  for (const name of ["sendmail", "mailq", "newaliases"]) await symlink(MAIN, join(bin, "js", name));
  sendmail = join(bin, "sendmail");
  await writeFile(sendmail, `#!/bin/sh\n${call}\n`, { mode: 0o755 });
  env = {
    PATH: [bin, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: relay.folder,
    SLUICE_CONFIG: relay.configFile,
    SLUICE_LISTEN: `127.0.0.1:${relay.port}`,
  };
});
afterAll(() => relay?.close());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program with `input` on stdin to its end. */
async function run(program: string, args: string[], input: string | Buffer = "", more = {}): Promise<Ended> {
  const child = spawn(program, args, { env: { ...env, ...more }, cwd: relay.folder });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  child.stdin.on("error", () => {}); // it may have heard enough
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

/** The next message that arrives after `work`. */
async function arrivalOf(work: () => Promise<unknown>) {
  const seen = relay.arrived.length;
  await work();
  const arrived = await until("it arrived", () => relay.arrived[seen]);
  return { ...arrived, raw: (await relay.arrivedRaw(seen)).toString("latin1") };
}

async function queued(args: string[], input: string | Buffer) {
  return arrivalOf(async () =>
    expect(await run(sendmail, args, input)).toEqual({ code: 0, out: "", err: "" }),
  );
}

test("cron's way: an unqualified recipient goes where the alias says, as the user who calls", async () => {
  const message =
    "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@app01> backup\n\nGr\xfc\xdfe\n.\nend\n";
  const words = ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"];
  const arrived = await queued(words, Buffer.from(message, "latin1"));
  expect(arrived.recipients).toEqual(["ops@example.org"]);
  expect(arrived.headerFrom).toBe("app@lab.example");
  expect(arrived.raw).toContain("\r\n\r\nGr\xfc\xdfe\r\n.\r\nend\r\n");
});

test("-t: everybody in the head gets it, and nobody sees the blind ones", async () => {
  const head =
    'To: "Last, First" <a@example.org>, Team: b@example.org;\nCc: c@example.org\nBcc: d@example.org\n';
  const arrived = await queued(["-ti", "-f", "app@lab.example", "e@example.org"], `${head}\nhello\n`);
  expect([...arrived.recipients].sort()).toEqual("abcde".split("").map((name) => `${name}@example.org`));
  expect(arrived.raw).not.toMatch(/bcc|d@example/i);
});

test("without -i a line with only a dot is the end, and whoever feeds it need not stop", async () => {
  const arrived = await queued(["x@example.org"], "Subject: dots\n\n..two\n.x\n.\nnot sent\n");
  expect(arrived.raw).toContain("\r\n\r\n..two\r\n.x\r\n");
  expect(arrived.raw).not.toContain("not sent");
});

test("-F names the sender of a message without From, -v tells the queue id", async () => {
  const arrived = await arrivalOf(async () => {
    const { code, out } = await run(sendmail, ["-v", "-F", "Nightly Backup", "x@example.org"], "text only\n");
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^250 2\.0\.0 queued as \w+\n$/) });
  });
  expect(arrived.raw).toContain("From: Nightly Backup <app@lab.example>\r\n");
  expect(arrived.raw).toContain("\r\n\r\ntext only\r\n");
});

test("-bs: the listener itself, on stdin and stdout", async () => {
  const said =
    "EHLO x\r\nMAIL FROM:<app@lab.example>\r\nRCPT TO:<x@example.org>\r\nDATA\r\nSubject: pipe\r\n\r\nx\r\n.\r\nQUIT\r\n";
  const arrived = await arrivalOf(async () => {
    const { code, out } = await run(sendmail, ["-bs"], said);
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^220 [\s\S]*queued as[\s\S]*221 /),
    });
  });
  expect(arrived.subject).toBe("pipe");
});

test.each([
  ["an option that is not known", ["-Z", "x@example.org"], "", 64, "no option -Z"],
  ["nobody to send to", [], "hello\n", 64, "Nobody to send to"],
  ["-t and nobody in the head", ["-t"], "Subject: x\n\nhello\n", 65, "names no recipients"],
  ["a recipient that is no address", ["a b@example.org"], "x\n", 65, "not one plain address"],
  ["a line end in the sender", ["-f", "a@b>\nRCPT TO:<c@d", "x@example.org"], "x\n", 65, "-f "],
  ["two From fields", ["x@example.org"], "From: a@b\nFrom: c@d\n\nx\n", 65, "554 5.6.0"],
  ["a message that is too big", ["x@example.org"], `Subject: x\n\n${"x".repeat(200_000)}\n`, 65, "552 5.3.4"],
  ["a user that is not there", ["nobody-here", "x@example.org"], "Subject: x\n\nx\n", 67, "550 5.1.1"],
  [
    "a sender that policy refuses",
    ["-fx@else.example", "x@example.org"],
    "Subject: x\n\nx\n",
    77,
    "550 5.7.1",
  ],
])("%s: nothing is sent, and the exit code says why", async (_, args, input, code, sentence) => {
  const seen = relay.arrived.length;
  const ended = await run(sendmail, args, input);
  expect(ended).toEqual({ code, out: "", err: expect.stringContaining(sentence) });
  expect(ended.err.trimEnd()).not.toContain("\n");
  await submit(relay.port, { data: "Subject: the next one\r\n\r\nx\r\n" });
  const next = await until("the next one arrived", () => relay.arrived[seen]);
  expect(next.subject).toBe("the next one");
});

test("no agent is 75, no config 78, with one sentence each", async () => {
  const down = await run(sendmail, ["x@example.org"], "Subject: x\n\nx\n", { SLUICE_LISTEN: "127.0.0.1:1" });
  expect(down).toEqual({
    code: 75,
    out: "",
    err: expect.stringMatching(/^sendmail: Cannot reach the agent .*\n$/),
  });
  const pipe = await run(sendmail, ["-bs"], "", { SLUICE_LISTEN: "127.0.0.1:1" });
  expect(pipe).toMatchObject({ code: 75, out: expect.stringMatching(/^421 4\.3\.2 .*\r\n$/) });
  const config = await run(sendmail, ["x@example.org"], "x\n", { SLUICE_CONFIG: "/nonexistent.yaml" });
  expect(config).toEqual({ code: 78, out: "", err: expect.stringContaining("/nonexistent.yaml") });
});

test("mailq prints the queue, newaliases has nothing to do", async () => {
  const js = (name: string) => [join(relay.folder, "bin", "js", name)];
  expect(await run(process.execPath, js("mailq"))).toMatchObject({
    code: 0,
    out: expect.stringMatching(/queue/i),
  });
  expect(await run(process.execPath, js("newaliases"))).toEqual({ code: 0, out: "", err: "" });
});

const PYTHON = `
import subprocess, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Subject"] = "cron@app01.lab.example", "bob@example.org", "from python3"
m.set_content("Gr\\u00fc\\u00dfe\\n")
subprocess.run([sys.argv[1], "-t", "-oi"], input=m.as_bytes(), check=True)
`;
const PERL = `open(my $m, "|-", $ARGV[0], "-t", "-oi", "-oem") or die; print $m "To: bob\\@example.org\\nSubject: from perl\\n\\nhello\\n"; close $m or die $?;`;

/** How each program hands in a message with the subject `from <its name>`; `check`: what says that it is there. */
const PROGRAMS: Record<string, { readonly check?: string; readonly send: () => Promise<Ended> }> = {
  "s-nail": {
    send: () =>
      run(
        "s-nail",
        ["-n", "-Ssendwait", `-Smta=${sendmail}`, "-s", "from s-nail", "bob@example.org"],
        "hello\n",
      ),
  },
  mutt: {
    send: () =>
      run(
        "mutt",
        [
          "-n",
          "-F",
          "/dev/null",
          "-e",
          `set sendmail="${sendmail} -oem -oi"`,
          "-e",
          "set copy=no",
          "-s",
          "from mutt",
          "--",
          "bob@example.org",
        ],
        "hello\n",
      ),
  },
  php: {
    send: () =>
      run("php", [
        "-d",
        `sendmail_path=${sendmail} -t -i`,
        "-r",
        "exit(mail('bob@example.org', 'from php', \"hello\\n\", 'From: www@app01.lab.example', '-fwww@app01.lab.example') ? 0 : 1);",
      ]),
  },
  "git send-email": {
    check: 'test -x "$(git --exec-path)/git-send-email"',
    send: async () => {
      const patch = join(relay.folder, "0001.patch");
      await writeFile(
        patch,
        "From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@app01.lab.example>\nSubject: from git send-email\n\nhello\n",
      );
      return run("git", [
        "-c",
        "user.name=Ann",
        "-c",
        "user.email=ann@app01.lab.example",
        "-c",
        `sendemail.smtpServer=${sendmail}`,
        "send-email",
        "--from=ann@app01.lab.example",
        "--to=bob@example.org",
        "--confirm=never",
        "--suppress-cc=all",
        patch,
      ]);
    },
  },
  python3: { send: () => run("python3", ["-c", PYTHON, sendmail]) },
  perl: { send: () => run("perl", ["-e", PERL, sendmail]) },
};

describe.each(Object.entries(PROGRAMS))("%s", (program, { check, send }) => {
  test.skipIf(!installed(program, check))(`${program} hands in a message through sendmail`, async () => {
    const arrived = await arrivalOf(async () => {
      const { code, err } = await send();
      expect({ code, err }).toMatchObject({ code: 0 });
    });
    expect(arrived.subject).toBe(`from ${program}`);
    expect(arrived.headerFrom).toBe("app@lab.example");
    expect(arrived.recipients).toEqual(["bob@example.org"]);
  });
});

test("a program that is stopped while it writes has sent nothing", async () => {
  const seen = relay.arrived.length;
  // Over what a pipe holds (64 KiB): once it is written, sendmail has begun to read.
  const writer = `{ printf 'To: x@example.org\\n\\n'; head -c 90000 /dev/zero | tr '\\0' x; echo written >&2; exec sleep 60; }`;
  const shell = spawn("sh", ["-c", `${writer} | ${sendmail} -t`], { env, detached: true, stdio: "pipe" });
  const ended = new Promise((resolve) => shell.on("close", resolve));
  await new Promise((resolve) => shell.stderr.once("data", resolve));
  process.kill(-(shell.pid ?? 0), "SIGTERM");
  await ended;
  await arrivalOf(() => submit(relay.port, { data: "Subject: the next one\r\n\r\nx\r\n" }));
  expect(relay.arrived.slice(seen).map(({ subject }) => subject)).toEqual(["the next one"]);
});
