/** Who sent it, with real sockets: the kernel is asked for the user of a real process. */
import { describe, expect, test } from "vitest";
import { cannotBeOthers, sayAsNobody } from "../../support/submit-as.ts";
import { Dialog, submit, untilData } from "./dialog.ts";
import { type IntakeOptions, message, settings, startIntake, until } from "./intake.ts";

const ROOTS_NAME = "root";
const LINES = ["EHLO client", "MAIL FROM:<portal@lab.example>", "RCPT TO:<ops@lab.example>", "DATA"];
const TEXT = `${message.replaceAll("\r\n", "\n")}\n.`;
const nobodySubmits = (port: number, host = "127.0.0.1") =>
  sayAsNobody({ port, host }, ...LINES, TEXT, "QUIT");

describe.skipIf(cannotBeOthers !== undefined)(
  `the user of a real client (${cannotBeOthers ?? "root"})`,
  () => {
    test.each([
      ["127.0.0.1", "127.0.0.1"],
      ["127.0.0.1", "::ffff:127.0.0.1"], // an IPv6 socket: it stands in /proc/net/tcp6
      ["::ffff:127.0.0.1", "127.0.0.1"], // ours is an IPv6 socket
      ["::1", "::1"],
    ])("is known at %s, reached as %s", async (listens, host) => {
      await using intake = await startIntake({ userOf: "system", targets: [{ host: listens, port: 0 }] });
      expect((await nobodySubmits(intake.port, host)).at(-2)).toBe("250 2.0.0 queued as id1");
      expect(intake.accepted[0]?.entry.client).toMatchObject({ user: "nobody", helo: "client" });
      expect(intake.acceptances()).toMatchObject([{ user: "nobody" }]);
    });

    test("is that of each connection, of many at once", async () => {
      await using intake = await startIntake({ userOf: "system" });
      const submitted = [
        nobodySubmits(intake.port),
        submit(intake.port, message),
        nobodySubmits(intake.port),
        ...Array.from({ length: 20 }, () => submit(intake.port, message)),
      ];
      await Promise.all(submitted);
      const users = intake.acceptances().map(({ user }) => user);
      expect(users.filter((user) => user === "nobody")).toHaveLength(2);
      expect(users.filter((user) => user === ROOTS_NAME)).toHaveLength(21);
    });

    test("stands in what is recorded of a refusal, too", async () => {
      await using intake = await startIntake({ userOf: "system" });
      await sayAsNobody({ port: intake.port }, "EHLO client", "MAIL FROM:<>", "RCPT TO:<who>", "QUIT");
      await until(() => intake.rejections().length === 1);
      expect(intake.rejections()).toMatchObject([{ stage: "rcpt", user: "nobody" }]);
    });
  },
);

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
