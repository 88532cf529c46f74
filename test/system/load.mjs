/** Mail without a pause from a real client: what got its 250 is remembered. */
import { setTimeout as sleep } from "node:timers/promises";
import { createTransport } from "nodemailer";

const CLIENTS = 4;

/**
 * Sends to `port` while `work` runs, whoever listens there or not; `work` sees the subjects of what was taken so far.
 * Resolves with all of them; every client has ended by then.
 */
export async function whileSending({ port, prefix }, work) {
  const sending = { acknowledged: [], stopped: false };
  const clients = Array.from({ length: CLIENTS }, (_, number) => send(sending, { port, prefix, number }));
  try {
    await work(sending.acknowledged);
  } finally {
    sending.stopped = true;
    await Promise.all(clients);
  }
  return sending.acknowledged;
}

async function send(sending, { port, prefix, number }) {
  const client = createTransport({ host: "127.0.0.1", port, pool: true, maxConnections: 1, ignoreTLS: true });
  for (let count = 0; !sending.stopped; count++) {
    const subject = `${prefix} ${number}.${count}`;
    const message = { from: "app@lab.example", to: "bob@example.org", subject, text: "hello" };
    try {
      await client.sendMail(message);
      sending.acknowledged.push(subject);
    } catch {
      await sleep(50); // not taken: nobody remembers it
    }
  }
  client.close();
}
