import { describe, expect, test } from "vitest";
import { Dialog, submit, untilData } from "./dialog.ts";
import { message, startIntake, until } from "./intake.ts";

describe("a session", () => {
  test("is greeted at once and ends with 250, the queue id and the message in custody", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    expect(await dialog.reply()).toBe("220 app01.lab.example ESMTP sluice");
    expect(await dialog.say("EHLO client.example")).toBe(
      "250-app01.lab.example\n250-PIPELINING\n250-8BITMIME\n250 SIZE 95903",
    );
    expect(await dialog.say("MAIL FROM:<portal@lab.example> SIZE=100 BODY=8BITMIME")).toMatch(
      /^250 2\.1\.0 /,
    );
    expect(await dialog.say("RCPT TO:<ops@lab.example>")).toMatch(/^250 2\.1\.5 /);
    expect(await dialog.say("DATA")).toMatch(/^354 /);
    expect(await dialog.say(`${message}\r\n.`)).toBe("250 2.0.0 queued as id1");
    expect(await dialog.say("QUIT")).toMatch(/^221 2\.0\.0 /);
    expect(await dialog.reply()).toBe("closed");
    dialog.vanish();
    const [only] = intake.accepted;
    expect(intake.accepted).toHaveLength(1);
    expect(only?.entry).toMatchObject({
      id: "id1",
      account: "portal",
      class: "bulk",
      client: { ip: "127.0.0.1", helo: "client.example", protocol: "ESMTP" },
      envelope: { sender: "portal@lab.example", recipients: ["ops@lab.example"] },
      received: { sender: "portal@lab.example", from: "portal@lab.example", recipients: ["ops@lab.example"] },
      rule: "accounts[0].senders[0]",
      eightBit: false,
    });
    const wire = only?.wire.toString("latin1") ?? "";
    expect(wire).toMatch(/^Received: /);
    expect(wire).toMatch(/From: portal@lab\.example\r\nTo: ops@lab\.example\r\nSubject: hello\r\n/);
    expect(wire).toMatch(/\r\n\r\nbody\r\n$/);
    expect(intake.acceptances()).toMatchObject([{ id: "id1", sizeBytes: wire.length, client: "127.0.0.1" }]);
    expect(intake.rejections()).toEqual([]);
  });

  test("works for a client that only knows HELO and writes addresses without brackets", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    expect(await dialog.say("HELO old")).toBe("250 app01.lab.example");
    const replies = await dialog.converse(
      "MAIL FROM:portal@lab.example",
      "RCPT TO: root",
      "DATA",
      "no header\r\n.",
    );
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["250", "250", "354", "250"]);
    dialog.vanish();
    expect(intake.accepted[0]?.entry).toMatchObject({
      client: { protocol: "SMTP" },
      received: { recipients: ["root"] },
      envelope: { recipients: ["ops@lab.example"] },
    });
  });

  test("carries several messages, each a transaction of its own", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    expect(await dialog.say(`${message}\r\n.`)).toBe("250 2.0.0 queued as id1");
    await dialog.converse("MAIL FROM:<root>", "RCPT TO:<a@lab.example>", "RCPT TO:<b@lab.example>");
    await dialog.converse("RCPT TO:<a@lab.example>", "DATA");
    expect(await dialog.say("Subject: two\r\nX-Priority: 1 (Highest)\r\n\r\n2\r\n.")).toBe(
      "250 2.0.0 queued as id2",
    );
    dialog.vanish();
    expect(intake.accepted[1]?.entry).toMatchObject({
      class: "urgent",
      rule: "senders.rewrite[0]",
      envelope: { sender: "portal@lab.example", recipients: ["a@lab.example", "b@lab.example"] },
    });
  });

  test("works when a script says everything in one write before the greeting, and ends its side", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    const mail = `MAIL FROM:<portal@lab.example>\r\nRCPT TO:<ops@lab.example>\r\nDATA\r\n${message}\r\n.\r\n`;
    await dialog.write(`HELO script\r\n${mail}${mail}QUIT\r\n`);
    dialog.endWriting();
    const replies = await dialog.rest();
    expect(replies.map((reply) => reply.slice(0, 3)).join(" ")).toBe(
      "220 250 250 250 354 250 250 250 354 250 221",
    );
    expect(intake.accepted).toHaveLength(2);
  });

  test("still answers a script that ended its side long before the disk was done", async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 50));
    await using intake = await startIntake({ custody: { accept: slow } });
    const dialog = new Dialog(intake.port);
    const mail = `MAIL FROM:<portal@lab.example>\r\nRCPT TO:<ops@lab.example>\r\nDATA\r\n${message}\r\n.\r\n`;
    await dialog.write(`EHLO script\r\n${mail}${mail}QUIT\r\n`);
    dialog.endWriting();
    const codes = (await dialog.rest()).map((reply) => reply.slice(0, 3)).join(" ");
    expect(codes).toBe("220 250 250 250 354 250 250 250 354 250 221");
  });

  test("loses nothing of six messages in one write, refused ones among them", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    const mail = (from: string) =>
      `MAIL FROM:<portal@lab.example>\r\nRCPT TO:<root>\r\nDATA\r\nFrom: ${from}\r\n\r\nbody\r\n.\r\n`;
    const pair = mail("portal@lab.example") + mail("eve@lab.example");
    await dialog.write(`HELO script\r\n${pair}${pair}${pair}QUIT\r\n`);
    const codes = (await dialog.rest()).map((reply) => reply.slice(0, 3)).join(" ");
    expect(codes).toBe(`220 250 ${"250 250 354 250 250 250 354 550 ".repeat(3)}221`);
    expect(intake.accepted).toHaveLength(3);
    expect(intake.rejections()).toHaveLength(3);
  });

  test("is closed, all answered, when the client ends its side without QUIT", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.write("EHLO x\r\nNOOP\r\n");
    dialog.endWriting();
    expect((await dialog.rest()).map((reply) => reply.slice(0, 3))).toEqual(["220", "250", "250"]);
    await until(() => intake.listener.sessions === 0);
  });

  test("takes bare LF as the end of commands and lines, CRLF.CRLF as the end of DATA", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.write("HELO x\nMAIL FROM:<portal@lab.example>\nRCPT TO:<ops@lab.example>\nDATA\n");
    for (let i = 0; i < 5; i++) await dialog.reply();
    expect(await dialog.say("From: portal@lab.example\nSubject: lf\n\nbody\n\r\n.")).toMatch(/^250 /);
    dialog.vanish();
    const wire = intake.accepted[0]?.wire.toString("latin1") ?? "";
    expect(wire).toContain("Subject: lf\r\n");
    expect(wire.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  test("gives every reply an enhanced code, but greeting, HELO, EHLO and 354", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    const replies = await dialog.converse(
      ...[
        "MAIL FROM:<a@b.example>",
        "EHLO",
        "HELO",
        "EHLO a",
        "RCPT TO:<a@b.example>",
        "DATA",
        "NOOP",
        "RSET",
      ],
      ...[
        "VRFY root",
        "VRFY",
        "HELP",
        "EXPN list",
        "AUTH PLAIN",
        "STARTTLS",
        "BDAT 1",
        "WIZ",
        "XCLIENT ADDR=1.2.3.4",
      ],
      ...["MAIL FROM:<portal@lab.example>", "MAIL FROM:<portal@lab.example>", "QUIT"],
    );
    dialog.vanish();
    expect(replies.filter((reply) => !/^\d{3} [245]\.\d+\.\d+ /.test(reply))).toEqual([
      "250-app01.lab.example\n250-PIPELINING\n250-8BITMIME\n250 SIZE 95903",
    ]);
    expect(replies.map((reply) => reply.slice(0, 3)).join(" ")).toBe(
      "503 501 501 250 503 503 250 250 252 501 214 500 500 500 500 500 500 250 503 221",
    );
  });

  test("says nothing of an address to VRFY", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    const [, known, unknown] = await dialog.converse("HELO x", "VRFY root", "VRFY nobody@x.example");
    dialog.vanish();
    expect(known).toBe(unknown);
  });
});

describe("a client that goes away", () => {
  test.each(["vanish", "reset", "endWriting"] as const)("in DATA (%s) leaves nothing", async (how) => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}${"x".repeat(20_000)}`);
    await until(() => intake.listener.uploadBytes > 0);
    dialog[how]();
    await until(() => intake.listener.sessions === 0);
    expect(intake.listener.uploadBytes).toBe(0);
    expect(intake.accepted).toEqual([]);
    expect(intake.facts).toEqual([]);
    dialog.vanish();
    expect(await submit(intake.port, message)).toMatch(/^250 /);
  });

  test("just before the last byte of the final dot leaves nothing", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}\r\n.\r`);
    dialog.endWriting();
    expect(await dialog.rest()).toEqual([]);
    await until(() => intake.listener.sessions === 0);
    expect(intake.accepted).toEqual([]);
  });

  test("fifty times in the middle of an upload gives all its bytes back", async () => {
    await using intake = await startIntake();
    const dialogs = await Promise.all(Array.from({ length: 50 }, () => untilData(intake.port)));
    await Promise.all(dialogs.map((dialog) => dialog.write(`${message}${"x".repeat(30_000)}`)));
    await until(() => intake.listener.uploadBytes >= 50 * 30_000);
    for (const [i, dialog] of dialogs.entries()) i % 2 === 0 ? dialog.vanish() : dialog.reset();
    await until(() => intake.listener.uploadBytes === 0);
    expect(intake.accepted).toEqual([]);
  });

  test("after the dot but before 250 has its message in custody all the same", async () => {
    let proceed: (() => void) | undefined;
    const accepted: string[] = [];
    await using intake = await startIntake({
      custody: {
        accept: async (entry) => {
          await new Promise<void>((resolve) => {
            proceed = resolve;
          });
          accepted.push(entry.id);
        },
      },
    });
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}\r\n.\r\n`);
    await until(() => proceed !== undefined);
    dialog.reset();
    await until(() => intake.listener.sessions === 0);
    proceed?.();
    await until(() => intake.listener.uploadBytes === 0);
    expect(accepted).toEqual(["id1"]);
    expect(intake.acceptances()).toHaveLength(1);
  });
});
