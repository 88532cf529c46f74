/** One test a reply of the listener, each with its positive control: the neighbour that must pass. */
import { describe, expect, test } from "vitest";
import { Dialog, submit, untilData } from "./dialog.ts";
import { address, message, settings, startIntake } from "./intake.ts";

async function inSession(port: number, ...lines: string[]): Promise<string> {
  const dialog = new Dialog(port);
  await dialog.reply();
  const replies = await dialog.converse("EHLO x", ...lines);
  dialog.vanish();
  return replies.at(-1) ?? "";
}

const from = "MAIL FROM:<portal@lab.example>";

describe("MAIL", () => {
  test.each([
    ["<portal@lab.example>", /^250 2\.1\.0 /],
    ["portal@lab.example", /^250 /],
    [" <portal@lab.example>", /^250 /],
    ["<root>", /^250 /],
    ['<"john doe"@lab.example>', /^250 /],
    ["<a@under_score.example>", /^250 /],
    ["<>", /^250 /],
    ["<a@b@c.example>", /^501 5\.1\.7 /],
    ["<a;b,c@lab.example>", /^501 5\.1\.7 /],
    ["<@relay.example:portal@lab.example>", /^501 5\.1\.7 .*source route/],
    ["<portal@lab.example", /^501 5\.1\.7 /],
  ])("FROM:%s is answered %s", async (argument, wanted) => {
    await using intake = await startIntake();
    expect(await inSession(intake.port, `MAIL FROM:${argument}`)).toMatch(wanted);
    expect(intake.rejections()).toHaveLength(String(wanted).includes("501") ? 1 : 0);
  });

  test("without FROM: is refused with 501 5.1.7", async () => {
    await using intake = await startIntake();
    expect(await inSession(intake.port, "MAIL <portal@lab.example>")).toMatch(/^501 5\.1\.7 /);
    expect(await inSession(intake.port, "mail from:<portal@lab.example>")).toMatch(/^250 /);
  });

  test.each([
    ["SIZE=99999", /^250 /],
    ["SIZE=100000", /^552 5\.3\.4 .*100000 bytes .* 100000 bytes/],
    ["SIZE=99999999999999999999", /^552 5\.3\.4 /],
    ["SIZE=many", /^501 5\.5\.4 /],
    ["BODY=7BIT", /^250 /],
    ["body=8bitmime", /^250 /],
    ["BODY=BINARYMIME", /^555 5\.5\.4 .*BODY=BINARYMIME/],
    ["SMTPUTF8", /^555 5\.5\.4 .*SMTPUTF8/],
    ["AUTH=<>", /^555 5\.5\.4 /],
    ["RET=FULL", /^555 5\.5\.4 /],
  ])("with %s is answered %s", async (parameter, wanted) => {
    await using intake = await startIntake();
    expect(await inSession(intake.port, `${from} ${parameter}`)).toMatch(wanted);
  });

  test("is refused with 452 4.3.1 while the disk is low or the queue is full", async () => {
    let reason: "disk-low" | "queue-full" | undefined = "disk-low";
    const room = () => (reason === undefined ? ({ ok: true } as const) : ({ ok: false, reason } as const));
    await using intake = await startIntake({ custody: { room } });
    expect(await inSession(intake.port, from)).toMatch(/^452 4\.3\.1 .*limits\.freeDisk/);
    reason = "queue-full";
    expect(await inSession(intake.port, from)).toMatch(/^452 4\.3\.1 .*limits\.queue/);
    reason = undefined;
    expect(await inSession(intake.port, from)).toMatch(/^250 /);
    expect(intake.rejections()).toMatchObject([
      { stage: "mail", sender: "portal@lab.example", client: "127.0.0.1" },
      { stage: "mail" },
    ]);
  });
});

describe("RCPT", () => {
  test.each([
    ["<a@lab.example>", /^250 2\.1\.5 /],
    ["a@lab.example", /^250 /],
    ["<root>", /^250 /],
    ["<nobody>", /^550 5\.1\.1 .*nobody.*recipients\.aliases/],
    ["<>", /^501 5\.1\.3 /],
    ["<a@>", /^501 5\.1\.3 /],
    ["<a@lab.example,b@lab.example>", /^501 5\.1\.3 /],
    ["<@relay.example:a@lab.example>", /^501 5\.1\.3 .*source route/],
    ["<a@lab.example> NOTIFY=NEVER", /^555 5\.5\.4 .*NOTIFY/],
  ])("TO:%s is answered %s", async (argument, wanted) => {
    await using intake = await startIntake();
    expect(await inSession(intake.port, from, `RCPT TO:${argument}`)).toMatch(wanted);
  });

  test("beyond limits.recipients is refused with 452 4.5.3; a repeated one is not counted", async () => {
    await using intake = await startIntake();
    const five = ["a", "b", "c", "d", "e"].map((name) => `RCPT TO:<${name}@lab.example>`);
    expect(await inSession(intake.port, from, ...five)).toMatch(/^250 /);
    expect(await inSession(intake.port, from, ...five, "RCPT TO:<c@LAB.example>")).toMatch(/^250 /);
    expect(await inSession(intake.port, from, ...five, "RCPT TO:<f@lab.example>")).toMatch(
      /^452 4\.5\.3 .*5 recipients/,
    );
    expect(intake.rejections()).toMatchObject([{ stage: "rcpt", recipients: ["f@lab.example"] }]);
  });

  test("outside every account's allowDomains is refused at once with 550 5.7.1", async () => {
    const accounts = [{ name: "portal", allowDomains: ["lab.example", "*.lab.example"] }];
    await using intake = await startIntake({ settings: () => ({ ...settings, accounts }) });
    expect(await inSession(intake.port, from, "RCPT TO:<a@www.lab.example>")).toMatch(/^250 /);
    expect(await inSession(intake.port, from, "RCPT TO:<a@evil.example>")).toMatch(
      /^550 5\.7\.1 .*a@evil\.example/,
    );
  });

  test("outside the allowDomains of the account that would send is refused at the dot", async () => {
    const accounts = [
      { name: "portal", allowDomains: ["lab.example"] },
      { name: "other", allowDomains: [] },
    ];
    await using intake = await startIntake({ settings: () => ({ ...settings, accounts }) });
    expect(await submit(intake.port, message, "portal@lab.example", "a@lab.example")).toMatch(/^250 /);
    expect(await submit(intake.port, message, "portal@lab.example", "a@evil.example")).toMatch(
      /^550 5\.7\.1 a@evil\.example .*account portal/,
    );
    expect(intake.accepted).toHaveLength(1);
  });

  test("refused every time makes DATA 503, recorded once", async () => {
    await using intake = await startIntake();
    expect(await inSession(intake.port, from, "RCPT TO:<nobody>", "DATA")).toMatch(
      /^503 5\.5\.1 no valid recipients/,
    );
    expect(intake.rejections()).toMatchObject([
      { stage: "rcpt", reply: expect.stringMatching(/^550 5\.1\.1 /) },
    ]);
  });
});

describe("the dot", () => {
  const refused: [string, string, RegExp][] = [
    [
      "a From that is not allowed",
      "From: eve@lab.example\r\n\r\n",
      /^550 5\.7\.1 .*eve@lab\.example.*accounts\[\]\.senders/,
    ],
    ["two mailboxes in From", "From: portal@lab.example, eve@lab.example\r\n\r\n", /^554 5\.6\.0 /],
    ["two From fields", "From: portal@lab.example\r\nFrom: eve@lab.example\r\n\r\n", /^554 5\.6\.0 /],
    [
      "a From hidden behind a bare CR",
      "Subject: a\rFrom: eve@lab.example\r\nFrom: portal@lab.example\r\n\r\n",
      /^554 5\.6\.0 /,
    ],
    ["NUL in the head", "From: portal@lab.example\r\nSubject: a\0b\r\n\r\n", /^554 5\.6\.0 .*NUL/],
    ["a header block too large", `${"X: y\r\n".repeat(1001)}\r\n`, /^554 5\.6\.0 .*fields/],
    ["too many Received fields", `${"Received: by x; 1\r\n".repeat(4)}\r\n`, /^554 5\.4\.6 .*limits\.hops/],
  ];

  test.each(refused)("of a message with %s gets its refusal", async (_what, head, wanted) => {
    await using intake = await startIntake();
    expect(await submit(intake.port, `${head}body`)).toMatch(wanted);
    expect(intake.accepted).toEqual([]);
    expect(intake.listener.uploadBytes).toBe(0);
    expect(intake.rejections()).toMatchObject([
      { stage: "data", sender: "portal@lab.example", recipients: ["ops@lab.example"], client: "127.0.0.1" },
    ]);
  });

  test.each([
    ["an allowed From", "From: The Portal <portal@lab.example>\r\n\r\n"],
    ["no head at all", ""],
    ["NUL in the body", "From: portal@lab.example\r\n\r\na\0b\r\n"],
    ["many fields", `${"X: y\r\n".repeat(999)}\r\n`],
    ["a few Received fields", `${"Received: by x; 1\r\n".repeat(3)}\r\n`],
  ])("of a message with %s gets 250", async (_what, head) => {
    await using intake = await startIntake();
    expect(await submit(intake.port, `${head}body`)).toMatch(/^250 /);
    expect(intake.accepted[0]?.wire.includes(0)).toBe(false);
  });

  test("holds what no rule knows when senders.unknown says hold", async () => {
    const senders = { ...settings.senders, unknown: { kind: "hold" } } as const;
    await using intake = await startIntake({ settings: () => ({ ...settings, senders }) });
    expect(await submit(intake.port, "From: eve@lab.example\r\n\r\nx", "eve@lab.example")).toMatch(/^250 /);
    expect(await submit(intake.port, message)).toMatch(/^250 /);
    expect(intake.accepted.map(({ entry }) => [entry.account, entry.from, entry.hold !== undefined])).toEqual(
      [
        [null, "eve@lab.example", true],
        ["portal", "portal@lab.example", false],
      ],
    );
  });

  test("of a null sender goes out with notices.from, and is refused when there is none", async () => {
    let senders = settings.senders;
    await using intake = await startIntake({ settings: () => ({ ...settings, senders }) });
    expect(await submit(intake.port, message, "")).toMatch(/^550 5\.7\.1 .*notices\.from/);
    senders = { ...senders, nullSender: address("portal@lab.example") };
    expect(await submit(intake.port, message, "")).toMatch(/^250 /);
    expect(intake.accepted[0]?.entry).toMatchObject({
      received: { sender: null },
      envelope: { sender: "portal@lab.example" },
    });
  });

  test.each([
    ["ENOSPC", /^452 4\.3\.1 /],
    ["EDQUOT", /^452 4\.3\.1 /],
    ["EIO", /^451 4\.3\.0 /],
    ["EROFS", /^451 4\.3\.0 /],
  ])("is never answered 250 when the spool fails with %s", async (code, wanted) => {
    let fails = true;
    await using intake = await startIntake({
      custody: {
        accept: async () => {
          if (fails) throw Object.assign(new Error(code), { code });
        },
      },
    });
    expect(await submit(intake.port, message)).toMatch(wanted);
    expect(intake.listener.uploadBytes).toBe(0);
    expect(intake.rejections()).toMatchObject([{ stage: "data", id: "id1", rule: "accounts[0].senders[0]" }]);
    expect(intake.reports).toMatchObject([{ event: "trouble", fields: { part: "spool", id: "id1" } }]);
    fails = false;
    expect(await submit(intake.port, message)).toMatch(/^250 /);
  });

  test("is answered after a refusal without losing the commands behind it", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`From: eve@lab.example\r\n\r\nbody\r\n.\r\n${from}\r\nRCPT TO:<root>\r\nDATA\r\n`);
    const replies = [await dialog.reply(), await dialog.reply(), await dialog.reply(), await dialog.reply()];
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["550", "250", "250", "354"]);
    expect(await dialog.say(`${message}\r\n.`)).toMatch(/^250 /);
    dialog.vanish();
  });
});

test("the sentences of two refusals with 8-bit and control characters in them are plain ASCII", async () => {
  await using intake = await startIntake();
  const reply = await submit(intake.port, "From: \u00e9v\u00e9 <e\u00e9@lab.example>\r\n\r\n");
  expect(reply).toMatch(/^554 5\.6\.0 [\x20-\x7e]+$/);
});

test("a program that is refused a hundred times in a session is cut off", async () => {
  await using intake = await startIntake();
  const dialog = new Dialog(intake.port);
  await dialog.reply();
  await dialog.converse("HELO x", from);
  const codes: string[] = [];
  for (let i = 0; i < 101; i++) codes.push((await dialog.say(`RCPT TO:<nobody${i}>`)).slice(0, 9));
  expect(codes.at(-2)).toBe("550 5.1.1");
  expect(codes.at(-1)).toBe("421 4.7.0");
  expect(await dialog.reply()).toBe("closed");
  dialog.vanish();
});

test("a program with far more recipients than a message may have keeps those that were taken", async () => {
  await using intake = await startIntake();
  const dialog = new Dialog(intake.port);
  await dialog.reply();
  await dialog.converse("HELO x", from);
  const codes = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    const code = (await dialog.say(`RCPT TO:<r${i}@lab.example>`)).slice(0, 9);
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect([...codes]).toEqual([
    ["250 2.1.5", 5],
    ["452 4.5.3", 195],
  ]);
  await dialog.say("DATA");
  expect(await dialog.say(`${message}\r\n.`)).toMatch(/^250 /);
  dialog.vanish();
});
