/** The dialogue of `sluice sendmail` with listeners that behave as a script says. */
import { createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { handIn } from "../../src/cli/sendmail-dialogue.ts";

/** What a listener says to each line in turn, the first at once; `hang up` ends it. */
type Script = readonly (string | "hang up")[];

const GOOD: Script = [
  "220 hi",
  "250-hello\r\n250 SIZE 5",
  "250 ok",
  "250 ok",
  "354 go",
  "250 2.0.0 queued as x",
  "221 bye",
];

/** A listener whose sessions follow the scripts in order; `said` is what it heard. */
async function listener(...scripts: Script[]) {
  const said: string[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const script = [...(scripts[said.length] ?? ["hang up"])];
    const lines: string[] = [];
    said.push(lines);
    const answer = () => {
      const next = script.shift();
      if (next === "hang up" || next === undefined) socket.destroy();
      else socket.write(`${next}\r\n`);
    };
    let [text, data] = ["", false];
    socket.on("error", () => {});
    socket.setEncoding("latin1").on("data", (piece: string) => {
      text += piece;
      for (let end = lineEnd(text, data); end !== undefined; end = lineEnd(text, data)) {
        const line = text.slice(0, end);
        text = text.slice(end);
        lines.push(line.trimEnd());
        data = line.startsWith("DATA") && !data;
        answer();
      }
    });
    answer();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { said, addresses: [{ host: "127.0.0.1", port }] };
}

function lineEnd(text: string, data: boolean): number | undefined {
  const mark = data ? "\r\n.\r\n" : "\r\n";
  const at = text.indexOf(mark);
  return at < 0 ? undefined : at + mark.length;
}

const message = (more: object = {}) => ({
  sender: "ann",
  recipients: ["root"],
  sizeBytes: 3,
  wire: [Buffer.from("hi\r\n"), Buffer.from(".\r\n")],
  ...more,
});

test("says what there is to say, and reads replies of several lines", async () => {
  const { said, addresses } = await listener(GOOD);
  expect(await handIn(addresses, message())).toBe("250 2.0.0 queued as x");
  expect(said).toEqual([
    ["EHLO localhost", "MAIL FROM:<ann> SIZE=3", "RCPT TO:<root>", "DATA", "hi\r\n.", "QUIT"],
  ]);
});

test("one refused recipient ends it before DATA", async () => {
  const { said, addresses } = await listener([
    "220 hi",
    "250 hello",
    "250 ok",
    "250 ok",
    "550 5.1.1 who?",
    "221 bye",
  ]);
  expect(await handIn(addresses, message({ recipients: ["root", "ann"] }))).toBe("550 5.1.1 who?");
  expect(said[0]?.at(-1)).toBe("QUIT");
  expect(said[0]).not.toContain("DATA");
});

test("a message that is too big to be kept is told by its size only", async () => {
  const { said, addresses } = await listener(["220 hi", "250 hello", "552 5.3.4 too big", "221 bye"]);
  expect(await handIn(addresses, message({ sizeBytes: 9e9, wire: undefined }))).toBe("552 5.3.4 too big");
  expect(said).toEqual([["EHLO localhost", "MAIL FROM:<ann> SIZE=9000000000", "QUIT"]]);
});

test("a listener that is stopping is asked once more", async () => {
  const stopping: Script = ["220 hi", "250 hello", "421 4.3.2 shutting down", "hang up"];
  const again = await listener(stopping, GOOD);
  expect(await handIn(again.addresses, message())).toBe("250 2.0.0 queued as x");
  const stopped = await listener(["421 4.3.2 busy", "hang up"], ["421 4.3.2 busy", "hang up"], GOOD);
  expect(await handIn(stopped.addresses, message())).toBe("421 4.3.2 busy");
  expect(stopped.said.length).toBe(2);
});

test("a listener lost before the final dot has nothing, one lost after it may have the message", async () => {
  const before = await listener(["220 hi", "250 hello", "hang up"]);
  await expect(handIn(before.addresses, message())).rejects.toMatchObject({
    exitCode: 75,
    message: expect.stringContaining("nothing was sent"),
  });
  const after = await listener(["220 hi", "250 hello", "250 ok", "250 ok", "354 go", "hang up"]);
  await expect(handIn(after.addresses, message())).rejects.toMatchObject({
    exitCode: 75,
    message: expect.stringContaining("may have been taken"),
  });
});

test("the first address that answers is taken", async () => {
  const { addresses } = await listener(GOOD);
  const nobody = { host: "127.0.0.1", port: 1 };
  expect(await handIn([nobody, ...addresses], message())).toBe("250 2.0.0 queued as x");
  await expect(handIn([nobody], message())).rejects.toMatchObject({ exitCode: 75 });
});
