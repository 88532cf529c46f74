import { describe, expect, test } from "vitest";
import { submit, untilData } from "./dialog.ts";
import { message, settings, startIntake, until } from "./intake.ts";

const limits = { ...settings.limits, messageSizeBytes: 5_000_000 };

/** A message that goes out with exactly `bytes`; `headBytes` is what its head comes to when edited. */
function sized(bytes: number, headBytes: number): Buffer {
  const bodyBytes = bytes - headBytes - 2; // the CRLF before the dot is the message's
  const lines = Buffer.from(
    "x"
      .repeat(98)
      .concat("\r\n")
      .repeat(Math.ceil(bodyBytes / 100))
      .slice(0, bodyBytes),
  );
  if (lines.at(-1) === 0x0d) lines[lines.length - 1] = 0x78;
  return Buffer.concat([Buffer.from("From: portal@lab.example\r\n\r\n"), lines]);
}

async function editedHeadBytes(port: number, wires: readonly { readonly wire: Buffer }[]): Promise<number> {
  await submit(port, "From: portal@lab.example\r\n\r\nx");
  return (wires.at(-1)?.wire.length ?? 0) - "x\r\n".length;
}

describe("the size that goes out", () => {
  test("may be 4,999,999 bytes, own fields included, and not 5,000,000", async () => {
    await using intake = await startIntake({ settings: () => ({ ...settings, limits }) });
    const headBytes = await editedHeadBytes(intake.port, intake.accepted);
    expect(await submit(intake.port, sized(4_999_999, headBytes))).toMatch(/^250 /);
    expect(intake.accepted.at(-1)?.wire).toHaveLength(4_999_999);
    expect(await submit(intake.port, sized(5_000_000, headBytes))).toMatch(
      /^552 5\.3\.4 message of 5000000 bytes .* 5000000 bytes/,
    );
    expect(intake.accepted).toHaveLength(2);
    expect(intake.listener.uploadBytes).toBe(0);
  });

  test("counts bare LF as the CRLF it becomes", async () => {
    await using intake = await startIntake();
    expect(await submit(intake.port, `\r\n${"x\r\n".repeat(33_000)}`)).toMatch(/^250 /);
    expect(await submit(intake.port, `\r\n${"xy\n".repeat(33_000)}`)).toMatch(
      /^552 5\.3\.4 message of 132\d{3} bytes/,
    );
  });
});

describe("a message over the limit", () => {
  test("holds no memory while its client goes on, and is answered at the dot with both sizes", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}${"x".repeat(90_000)}`);
    await until(() => intake.listener.uploadBytes > 90_000);
    await dialog.write("x".repeat(20_000));
    await until(() => intake.listener.uploadBytes === 0);
    expect(await dialog.say("\r\n.")).toMatch(/^552 5\.3\.4 message of 110\d{3} bytes .* 100000 bytes/);
    expect((await dialog.say("NOOP")).slice(0, 3)).toBe("250");
    dialog.vanish();
    expect(intake.rejections()).toMatchObject([{ stage: "data", sizeBytes: expect.any(Number) }]);
  });

  test("is cut off when its client goes on past twice the limit", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}${"x".repeat(250_000)}`);
    expect(await dialog.reply()).toMatch(/^552 5\.3\.4 /);
    expect(await dialog.reply()).toBe("closed");
    dialog.vanish();
    await until(() => intake.listener.sessions === 0);
    expect(intake.rejections()).toHaveLength(1);
    expect(intake.listener.uploadBytes).toBe(0);
  });
});

describe("the upload budget", () => {
  const tight = { ...settings, limits: { ...settings.limits, uploadsBytes: 200_000 } };

  test("refuses with 452 4.3.1 what does not fit, lets the others finish, and is whole again", async () => {
    await using intake = await startIntake({ settings: () => tight });
    const first = await untilData(intake.port);
    const second = await untilData(intake.port);
    const third = await untilData(intake.port);
    await first.write(`${message}${"x".repeat(70_000)}`);
    await second.write(`${message}${"x".repeat(70_000)}`);
    await until(() => intake.listener.uploadBytes >= 140_000);
    await third.write(`${message}${"x".repeat(70_000)}`);
    expect(await third.say("\r\n.")).toMatch(/^452 4\.3\.1 .*limits\.uploads/);
    expect(await first.say("\r\n.")).toMatch(/^250 /);
    expect(await second.say("\r\n.")).toMatch(/^250 /);
    for (const dialog of [first, second, third]) dialog.vanish();
    expect(intake.listener.uploadBytes).toBe(0);
    expect(await submit(intake.port, message)).toMatch(/^250 /);
  });

  test("is charged for memory, not for pieces, when a client drips", async () => {
    await using intake = await startIntake();
    const dialog = await untilData(intake.port);
    await dialog.write(`${message}\r\n`);
    for (let i = 0; i < 500; i++) await dialog.write("x");
    expect(await dialog.say("\r\n.")).toMatch(/^250 /);
    dialog.vanish();
    expect(intake.accepted[0]?.wire.toString("latin1")).toContain(`\r\n${"x".repeat(500)}\r\n`);
  });
});
