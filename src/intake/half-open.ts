/**
 * Answers for a client that has ended its side and still reads, as a script piped into `nc -N` does.
 *
 * smtp-server is silent to it (it writes only while both sides are open), so these replies are written here.
 * Promises: a control character in a text never splits a reply.
 */
import type { Socket } from "node:net";

/** Writes a reply when the client's side, and only it, has ended. `text`: a line, or the lines of a long reply. */
export function answerHalfOpen(
  socket: Socket,
  code: number,
  text: string | string[] | null | undefined,
): void {
  if (socket.readyState !== "writeOnly") return;
  const lines = [text ?? ""].flat().map((line) => line.replace(/[\x00-\x1f\x7f]/g, " "));
  socket.write(lines.map((line, n) => `${code}${n < lines.length - 1 ? "-" : " "}${line}\r\n`).join(""));
}
