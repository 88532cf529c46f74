/** Who sent it, with real sockets: the kernel is asked for the user of a real process. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { type End, listeningEnd } from "../../../src/intake/loopback.ts";
import { SocketDiag } from "../../../src/intake/socket-diag.ts";
import { cannotBeOthers, sayAsNobody } from "../../support/submit-as.ts";
import { Dialog, submit, untilData } from "./dialog.ts";
import { type IntakeOptions, message, settings, startIntake, until } from "./intake.ts";

const ROOTS_NAME = "root";
const MY_NAME = userInfo().username;
const LINES = ["EHLO client", "MAIL FROM:<portal@lab.example>", "RCPT TO:<ops@lab.example>", "DATA"];
const TEXT = `${message.replaceAll("\r\n", "\n")}\n.`;
const nobodySubmits = (port: number, host = "127.0.0.1") =>
  sayAsNobody({ port, host }, ...LINES, TEXT, "QUIT");

/** Enough for a crowd. */
const crowded: IntakeOptions["settings"] = () => ({
  ...settings,
  listen: { ...settings.listen, maxConnections: 600 },
});

describe.each(["asked", "searched"] as const)("the kernel is %s", (userOf) => {
  describe.skipIf(cannotBeOthers !== undefined)(
    `for the user of a real client (${cannotBeOthers ?? "root"})`,
    () => {
      test.each([
        ["127.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "::ffff:127.0.0.1"], // the client's is an IPv6 socket
        ["::ffff:127.0.0.1", "127.0.0.1"], // ours is
        ["::", "127.0.0.1"],
        ["::", "::1"],
        ["0.0.0.0", "127.0.0.1"],
        ["::1", "::1"],
      ])("who is known at %s, reached as %s", async (listens, host) => {
        await using intake = await startIntake({ userOf, targets: [{ host: listens, port: 0 }] });
        expect((await nobodySubmits(intake.port, host)).at(-2)).toBe("250 2.0.0 queued as id1");
        expect(intake.accepted[0]?.entry.client).toMatchObject({ user: "nobody", helo: "client" });
        expect(intake.acceptances()).toMatchObject([{ user: "nobody" }]);
      });

      test("who stands in what is recorded of a refusal, too", async () => {
        await using intake = await startIntake({ userOf });
        await sayAsNobody({ port: intake.port }, "EHLO client", "MAIL FROM:<>", "RCPT TO:<who>", "QUIT");
        await until(() => intake.rejections().length === 1);
        expect(intake.rejections()).toMatchObject([{ stage: "rcpt", user: "nobody" }]);
      });

      test("for each connection, of 500 at once", async () => {
        await using intake = await startIntake({ userOf, settings: crowded });
        const submitted = [
          nobodySubmits(intake.port),
          ...Array.from({ length: 500 }, () => submit(intake.port, message)),
          nobodySubmits(intake.port),
        ];
        await Promise.all(submitted);
        const users = intake.acceptances().map(({ user }) => user);
        expect(users.filter((user) => user === "nobody")).toHaveLength(2);
        expect(users.filter((user) => user === ROOTS_NAME)).toHaveLength(500);
      });
    },
  );

  test("as is told once at most, when it is not the quick way", async () => {
    await using intake = await startIntake({ userOf });
    for (let n = 0; n < 2; n++) await submit(intake.port, message);
    const reason = expect.stringMatching(/looked for in \/proc\/net\/tcp.*EAFNOSUPPORT/);
    const told = { event: "trouble", fields: { part: "submitter", reason } };
    expect(intake.reports).toEqual(userOf === "asked" ? [] : [told]);
    expect(intake.acceptances()).toMatchObject([{ user: MY_NAME }, { user: MY_NAME }]);
  });
});

test("a client that goes as soon as it was greeted, its refusal unread, is known", async () => {
  await using intake = await startIntake({ userOf: "asked" });
  for (let n = 1; n <= 20; n++) {
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    await dialog.write("GET / HTTP/1.1\r\n");
    dialog.vanish();
    await until(() => intake.rejections().length === n);
  }
  expect(new Set(intake.rejections().map(({ user }) => user))).toEqual(new Set([MY_NAME]));
});

test("ends that no connection has are nobody's, even with a listener on the client's port", async () => {
  await using intake = await startIntake();
  const [ours] = intake.listener.addresses.flatMap((address) => listeningEnd(address) ?? []) as [End];
  using diag = await SocketDiag.open(ours);
  const other = { ...ours, port: 1 };
  expect(diag.ownerOf({ client: other, ours })).toBeUndefined();
  expect(diag.ownerOf({ client: ours, ours: other })).toBeUndefined();
});

test("nothing is left open of a netlink socket", async () => {
  const open = () => readdirSync("/proc/self/fd").length;
  const listening = createServer().listen(0, "127.0.0.1");
  await once(listening, "listening");
  const end = listeningEnd(listening.address() as AddressInfo) as End;
  using _first = await SocketDiag.open(end); // what loading the library opens, stays
  const before = open();
  for (let n = 0; n < 5; n++) (await SocketDiag.open(end))[Symbol.dispose]();
  expect(open()).toBe(before);
  listening.close();
  await once(listening, "close");
  await expect(SocketDiag.open(end)).rejects.toThrow("does not know a socket of our own");
});

const portal = settings.senders.pairs[0]?.pair as NonNullable<(typeof settings.senders.pairs)[0]>["pair"];
const forBackup: IntakeOptions["settings"] = () => ({
  ...settings,
  senders: {
    ...settings.senders,
    rewrite: [{ match: "job@*", user: "backup", to: portal, rule: "senders.rewrite[0]" }],
  },
});
const byJob = message.replace("portal@", "job@");

describe("a rule for a user", () => {
  test.each([
    ["backup", "250 2.0.0 queued as id1"],
    ["www-data", expect.stringMatching(/^550 5\.7\.1 .*job@lab\.example/)],
    [undefined, expect.stringMatching(/^550 5\.7\.1 .*job@lab\.example/)],
  ])("decides for its user only: %s", async (user, reply) => {
    await using intake = await startIntake({ userOf: async () => user, settings: forBackup });
    expect(await submit(intake.port, byJob, "job@lab.example")).toEqual(reply);
    expect(intake.facts).toMatchObject([user === undefined ? {} : { user }]);
    expect(intake.facts.every((fact) => "user" in fact === (user !== undefined))).toBe(true);
  });

  test("makes its user's mail urgent", async () => {
    const sent = async (user: string | undefined) => {
      await using intake = await startIntake({ userOf: async () => user });
      await submit(intake.port, message);
      return intake.accepted[0]?.entry.class;
    };
    expect(await Promise.all(["backup", "www-data", undefined].map(sent))).toEqual([
      "urgent",
      "bulk",
      "bulk",
    ]);
  });
});

describe("while the user is looked up", () => {
  function slow() {
    let answer: (user: string) => void = () => {};
    const user = new Promise<string>((resolve) => {
      answer = resolve;
    });
    return { answer, userOf: () => user };
  }

  test("the session goes on as far as MAIL, and a pipelining client's message is decided with it", async () => {
    const { answer, userOf } = slow();
    await using intake = await startIntake({ userOf, settings: forBackup });
    const dialog = new Dialog(intake.port);
    const commands = ["EHLO client", "MAIL FROM:<job@lab.example>", "RCPT TO:<ops@lab.example>", "DATA"];
    await dialog.write(`${commands.join("\r\n")}\r\n${byJob}\r\n.\r\nQUIT\r\n`);
    for (let n = 0; n < 2; n++) expect(await dialog.reply()).toMatch(/^2/);
    answer("backup");
    expect(await dialog.rest()).toEqual([
      expect.stringMatching(/^250 2\.1\.0 /),
      expect.stringMatching(/^250 2\.1\.5 /),
      expect.stringMatching(/^354 /),
      "250 2.0.0 queued as id1",
      expect.stringMatching(/^221 /),
    ]);
    expect(intake.accepted[0]?.entry.client.user).toBe("backup");
  });

  test.each(["vanish", "reset", "endWriting"] as const)(
    "a client that goes leaves nothing: %s",
    async (leave) => {
      const { answer, userOf } = slow();
      await using intake = await startIntake({ userOf });
      const dialog = new Dialog(intake.port);
      await dialog.converse("EHLO client");
      await dialog.write("MAIL FROM:<portal@lab.example>\r\n");
      dialog[leave]();
      answer("backup");
      await until(() => intake.listener.sessions === 0);
      expect(await submit(intake.port, message)).toBe("250 2.0.0 queued as id1");
      expect(intake.facts).toMatchObject([{ event: "accepted", user: "backup" }]);
    },
  );

  test("a stop ends the session with 421", async () => {
    const { answer, userOf } = slow();
    await using intake = await startIntake({ userOf });
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    await dialog.converse("EHLO client");
    await dialog.write(`MAIL FROM:<portal@lab.example>\r\n`);
    const stopped = intake.listener.stop(0);
    expect(await dialog.reply()).toMatch(/^421 4\.3\.2 /);
    answer("backup");
    await stopped;
    expect(await dialog.reply()).toBe("closed");
    expect(intake.facts).toEqual([]);
  });
});

test("a user that is known by the second message stands in it, too", async () => {
  await using intake = await startIntake({ userOf: async () => "www-data" });
  const dialog = await untilData(intake.port);
  await dialog.say(`${message}\r\n.`);
  await dialog.converse("MAIL FROM:<portal@lab.example>", "RCPT TO:<ops@lab.example>", "DATA");
  expect(await dialog.say(`${message}\r\n.`)).toMatch(/^250 /);
  expect(intake.acceptances()).toMatchObject([{ user: "www-data" }, { user: "www-data" }]);
  dialog.vanish();
});
