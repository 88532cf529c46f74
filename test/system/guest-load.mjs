/**
 * Load for a restart: WORKERS sessions at a time hand in message after message until the file STOP is there, then each
 * subject that was answered with 250 is printed, and on stderr what else was seen.
 *
 *     node guest-load.mjs LABEL STOP > accepted
 *
 * A program that is told 421 tries again, as it would with any relay. Exit code 1 when a connection was refused.
 */
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const WORKERS = 4;
const [label, stop] = process.argv.slice(2);
const seen = { accepted: 0, later: 0, broken: 0, refused: 0 };

/** Resolves with the reply to the final dot, or to what was refused before it; rejects with the socket's error. */
function submit(subject) {
  const lines = [
    "EHLO load\r\n",
    "MAIL FROM:<portal@lab.example>\r\n",
    "RCPT TO:<ops@lab.example>\r\n",
    "DATA\r\n",
    `From: portal@lab.example\r\nSubject: ${subject}\r\n\r\nload\r\n.\r\n`,
  ];
  return new Promise((resolve, reject) => {
    const socket = createConnection(25, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8").on("data", (piece) => {
      text += piece;
      const reply = /^(\d{3}) .*\r\n$/m.exec(text);
      if (!reply || !text.endsWith("\r\n")) return;
      text = "";
      const next = Number(reply[1]) < 400 ? lines.shift() : undefined;
      if (next !== undefined) return socket.write(next);
      socket.destroy();
      resolve(Number(reply[1]));
    });
    socket.on("error", reject).on("close", () => reject(new Error("closed")));
  });
}

async function work(number) {
  for (let n = 0; !existsSync(stop); n++) {
    const subject = `${label}-${number}-${n}`;
    try {
      const code = await submit(subject);
      if (code === 250) {
        seen.accepted++;
        console.log(subject);
      } else seen.later++;
    } catch (error) {
      if (error.code === "ECONNREFUSED") seen.refused++;
      else seen.broken++;
    }
    await sleep(5);
  }
}

await Promise.all(Array.from({ length: WORKERS }, (_, number) => work(number)));
console.error(JSON.stringify(seen));
process.exitCode = seen.refused > 0 || seen.accepted === 0 ? 1 : 0;
