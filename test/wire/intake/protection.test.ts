import net from "node:net";
import { describe, expect, test } from "vitest";
import { ListenError } from "../../../src/intake/bind.ts";
import { ClientList } from "../../../src/intake/client-list.ts";
import { type ListenerOptions, startListener } from "../../../src/intake/listener.ts";
import { Dialog, submit, untilData } from "./dialog.ts";
import { message, settings, startIntake, until } from "./intake.ts";

describe("what is no mail session", () => {
  test.each([
    ["GET", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ["POST", "POST /x HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<portal@lab.example>\r\n"],
    ["PATCH", "PATCH /x HTTP/1.1\r\n\r\n"],
    ["an absolute-form GET", "GET http://127.0.0.1:25/ HTTP/1.1\r\n\r\n"],
    ["HTTP/0.9", "GET /\r\n"],
    ["an unheard-of HTTP method", "BREW /pot HTTP/1.1\r\n\r\n"],
    ["Host:", "Host: 127.0.0.1\r\n"],
    ["a TLS hello", Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])],
    ["the first byte of a TLS hello", Buffer.from([0x16])],
    ["an SSLv2 hello", Buffer.from([0x80, 0x2e, 0x01])],
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["NUL in a command", "NOOP \0\r\n"],
    ["8-bit in a command", "EHLO caf\xe9\r\n"],
    ["an over-long line", `NOOP ${"x".repeat(3000)}\r\n`],
    ["an endless line", "x".repeat(3000)],
  ])("%s is answered 421 4.7.0, closed and recorded", async (_name, bytes) => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.write(bytes);
    const replies = await dialog.rest();
    expect(replies.at(-1)).toMatch(/^421 4\.7\.0 /);
    expect(replies).toHaveLength(2);
    expect(intake.rejections()).toHaveLength(1);
    await until(() => intake.listener.sessions === 0);
  });

  test("is told from old but honest clients", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    await dialog.write("\r\nhelo getter.example\r\nNoop get / http\r\nQUIT\r\n");
    expect((await dialog.rest()).map((reply) => reply.slice(0, 3))).toEqual([
      "220",
      "500",
      "250",
      "250",
      "221",
    ]);
  });

  test("includes a message that is sent although its DATA was refused: none of its lines is obeyed", async () => {
    await using intake = await startIntake();
    const dialog = new Dialog(intake.port);
    const hidden = "MAIL FROM:<portal@lab.example>\r\nRCPT TO:<root>\r\nDATA\r\nhidden\r\n.\r\n";
    await dialog.write(
      `HELO x\r\nMAIL FROM:<portal@lab.example>\r\nRCPT TO:<nobody>\r\nDATA\r\nSubject: x\r\n\r\n${hidden}`,
    );
    expect((await dialog.rest()).at(-1)).toMatch(/^421 4\.7\.0 .*header fields/);
    expect(intake.accepted).toEqual([]);
  });
});

describe("who may connect", () => {
  test("a client outside listen.clients is refused with 554 5.7.1", async () => {
    let clients = ["192.0.2.0/24"];
    await using intake = await startIntake({
      settings: () => ({ ...settings, listen: { ...settings.listen, clients } }),
    });
    const dialog = new Dialog(intake.port);
    await dialog.write("EHLO x\r\n");
    expect(await dialog.rest()).toEqual([
      expect.stringMatching(/^554 5\.7\.1 .*127\.0\.0\.1.*listen\.clients/),
    ]);
    expect(intake.rejections()).toMatchObject([{ stage: "connect", client: "127.0.0.1" }]);
    clients = ["127.0.0.1"];
    expect(await submit(intake.port, message)).toMatch(/^250 /);
  });

  test.each([
    ["127.0.0.0/8", "127.9.9.9", true],
    ["127.0.0.0/8", "::ffff:127.0.0.1", true],
    ["127.0.0.0/8", "128.0.0.1", false],
    ["::1/128", "::1", true],
    ["::1/128", "::2", false],
    ["fd00::/8", "fd12:3456::1", true],
    ["10.0.0.5", "10.0.0.5", true],
    ["10.0.0.5", "10.0.0.6", false],
    ["127.0.0.0/8", "no address", false],
    ["fe80::/10", "fe80::1%eth0", true],
  ])("with clients [%s], %s: %s", (cidr, ip, allowed) => {
    expect(new ClientList([cidr]).allows(ip)).toBe(allowed);
  });

  test("a session above listen.maxConnections is refused with 421 4.3.2; there is room when another ends", async () => {
    const listen = { ...settings.listen, maxConnections: 2 };
    await using intake = await startIntake({ settings: () => ({ ...settings, listen }) });
    const first = new Dialog(intake.port);
    const second = new Dialog(intake.port);
    await Promise.all([first.reply(), second.reply()]);
    const third = new Dialog(intake.port);
    expect(await third.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 .*listen\.maxConnections/)]);
    await first.say("QUIT");
    first.vanish();
    await until(() => intake.listener.sessions < 2);
    expect(await submit(intake.port, message)).toMatch(/^250 /);
    second.vanish();
  });
});

describe("a slow client", () => {
  const deadlines = {
    sessionMs: 60_000,
    transactionMs: 50_000,
    dataGraceMs: 30_000,
    dataBytesPerSecond: 100,
  };
  const cut = /^421 4\.4\.2 /;

  test("that begins no message in time is cut off, and nothing is recorded", async () => {
    await using intake = await startIntake({ deadlines });
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    intake.advance(55_000);
    expect(await dialog.say("NOOP")).toMatch(/^250 /);
    intake.advance(10_000);
    expect(await dialog.reply()).toMatch(cut);
    dialog.vanish();
    expect(intake.facts).toEqual([]);
  });

  test("that does not finish its message in time is cut off and recorded", async () => {
    await using intake = await startIntake({ deadlines });
    const dialog = await untilData(intake.port);
    await dialog.write("x\r\n".repeat(3000));
    await until(() => intake.listener.uploadBytes > 0);
    intake.advance(51_000);
    expect(await dialog.reply()).toMatch(/^421 4\.4\.2 the message took too long/);
    dialog.vanish();
    expect(intake.rejections()).toMatchObject([{ stage: "data", sender: "portal@lab.example" }]);
    expect(intake.accepted).toEqual([]);
  });

  test("that begins messages again and again is cut off when none comes of it", async () => {
    await using intake = await startIntake({ deadlines });
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    await dialog.converse("HELO x", "MAIL FROM:<portal@lab.example>");
    for (let i = 0; i < 2; i++) {
      intake.advance(49_000);
      await dialog.write("RSET\r\nMAIL FROM:<portal@lab.example>\r\n");
      expect([(await dialog.reply()).slice(0, 3), (await dialog.reply()).slice(0, 3)]).toEqual([
        "250",
        "250",
      ]);
    }
    intake.advance(13_000);
    expect(await dialog.reply()).toMatch(cut);
    dialog.vanish();
  });

  test("whose data drips is cut off after the grace", async () => {
    await using intake = await startIntake({ deadlines });
    const dialog = await untilData(intake.port);
    await dialog.write("drip\r\n");
    intake.advance(31_000);
    expect(await dialog.reply()).toMatch(/^421 4\.4\.2 data comes too slowly/);
    dialog.vanish();
  });

  test("that says nothing at all is cut off", async () => {
    await using intake = await startIntake({ deadlines: { ...deadlines, idleMs: 50 } });
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    expect(await dialog.reply()).toMatch(cut);
    expect(await dialog.reply()).toBe("closed");
    dialog.vanish();
  });

  test("is not blamed for the time we take over its message", async () => {
    let proceed: (() => void) | undefined;
    const accept = () =>
      new Promise<void>((resolve) => {
        proceed = resolve;
      });
    await using intake = await startIntake({ deadlines: { ...deadlines, idleMs: 50 }, custody: { accept } });
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}\r\n.\r\n`);
    await until(() => proceed !== undefined);
    intake.advance(1_000_000);
    await new Promise((resolve) => setTimeout(resolve, 1200)); // a sweep of the deadlines goes by
    proceed?.();
    expect(await dialog.reply()).toMatch(/^250 /);
    dialog.vanish();
  });
});

describe("stop", () => {
  test("tells idle sessions 421, lets a message finish, and takes no new connection", async () => {
    const intake = await startIntake();
    const idle = new Dialog(intake.port);
    await idle.reply();
    const busy = await untilData(intake.port);
    const stopped = intake.listener.stop(20_000);
    expect(await idle.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
    expect(await busy.say(`${message}\r\n.`)).toBe("250 2.0.0 queued as id1");
    expect(await busy.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
    await stopped;
    expect(intake.accepted).toHaveLength(1);
    expect(await new Dialog(intake.port).reply()).toBe("closed");
  });

  test("cuts off what does not finish in time; it leaves nothing", async () => {
    const intake = await startIntake();
    const busy = await untilData(intake.port);
    await busy.write(`${message}\r\n`);
    await intake.listener.stop(0);
    expect(await busy.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
    expect(intake.accepted).toEqual([]);
    expect(intake.listener.uploadBytes).toBe(0);
  });

  test("waits for a message that custody is just taking, though its client is gone", async () => {
    let proceed: (() => void) | undefined;
    const accept = () =>
      new Promise<void>((resolve) => {
        proceed = resolve;
      });
    const intake = await startIntake({ custody: { accept } });
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}\r\n.\r\n`);
    await until(() => proceed !== undefined);
    dialog.reset();
    await until(() => intake.listener.sessions === 0);
    const stopped = intake.listener.stop(20_000);
    proceed?.();
    await stopped;
    expect(intake.acceptances()).toHaveLength(1);
  });
});

describe("an exception, which is a bug of ours,", () => {
  test("at RCPT costs 451 and is reported; the session goes on", async () => {
    const aliases = new Map(settings.recipients.aliases);
    aliases.get = () => {
      throw new Error("seeded");
    };
    let broken = true;
    const recipients = () => (broken ? { aliases } : settings.recipients);
    await using intake = await startIntake({ settings: () => ({ ...settings, recipients: recipients() }) });
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    await dialog.converse("HELO x", "MAIL FROM:<portal@lab.example>");
    expect(await dialog.say("RCPT TO:<root>")).toMatch(/^451 4\.3\.0 /);
    expect(intake.reports).toMatchObject([
      { event: "trouble", fields: { reason: expect.stringContaining("seeded") } },
    ]);
    broken = false;
    await dialog.converse("RSET", "MAIL FROM:<portal@lab.example>");
    expect(await dialog.say("RCPT TO:<root>")).toMatch(/^250 /);
    dialog.vanish();
  });

  test("in a message costs 451 at the dot and leaves nothing", async () => {
    let broken = true;
    const newId = () => {
      if (broken) throw new Error("seeded");
      return "id9";
    };
    await using intake = await startIntake({ custody: { newId } });
    expect(await submit(intake.port, message)).toMatch(/^451 4\.3\.0 /);
    expect(await submit(intake.port, "a body that is decided on at the dot")).toMatch(/^451 4\.3\.0 /);
    expect(intake.reports).toHaveLength(2);
    expect(intake.accepted).toEqual([]);
    broken = false;
    expect(await submit(intake.port, message)).toMatch(/^250 /);
  });
});

describe("several addresses", () => {
  test("are listened on, each of them and no other", async () => {
    await using intake = await startIntake({
      targets: ["127.0.0.1", "127.0.0.2"].map((host) => ({ host, port: 0 })),
    });
    const [first, second] = intake.listener.addresses;
    const dialog = new Dialog(second?.port ?? 0, "127.0.0.2");
    expect((await dialog.reply()).slice(0, 3)).toBe("220");
    dialog.vanish();
    expect((await submit(first?.port ?? 0, message)).slice(0, 3)).toBe("250");
    const other = new Dialog(first?.port ?? 0, "127.0.0.3");
    expect(await other.reply()).toBe("closed");
  });
});

describe("an address that cannot be had", () => {
  const options = (targets: ListenerOptions["targets"]): ListenerOptions => ({
    targets,
    ports: {
      settings: () => settings,
      custody: { newId: () => "", room: () => ({ ok: true }), accept: async () => {} },
      events: { fact: async () => {}, report: () => {} },
      clocks: { wallMs: Date.now, monotonicMs: () => performance.now() },
    },
  });

  test("because another program has it is an error that says so, and frees the others", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as net.AddressInfo;
    const free = { host: "127.0.0.1", port: 0 };
    const failed = await startListener(options([free, { host: "127.0.0.1", port }])).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(ListenError);
    expect(failed).toMatchObject({
      code: "EADDRINUSE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await new Promise((resolve) => taken.close(resolve));
    const listener = await startListener(options([{ host: "127.0.0.1", port }]));
    await listener.stop(0);
  });

  test("because it is IPv6 and missing here is a warning, unless there is no other", async () => {
    const missing = { host: "2001:db8::1", port: 0 };
    const listener = await startListener(options([{ host: "127.0.0.1", port: 0 }, missing]));
    expect(listener.warnings).toEqual([expect.stringContaining("[2001:db8::1]:0")]);
    expect(listener.addresses).toHaveLength(1);
    await listener.stop(0);
    await expect(startListener(options([missing]))).rejects.toBeInstanceOf(ListenError);
  });
});
