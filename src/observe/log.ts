/**
 * The log: JSON lines, one event a line, on standard output.
 *
 * Promises: a line is out before the call returns (synchronous destination), so that kill -9 loses none;
 * trouble with the log never stops mail: a closed pipe or a full disk is swallowed.
 * Refuses to know what the events are: see events.ts.
 */
import { writeSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error";

const TRIES = 100;
const TRY_MS = 10;

/** Makes the log. `destination` is for tests and for the demo; standard output otherwise. */
export function createLog(options: { level: LogLevel; destination?: DestinationStream }): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "message",
    },
    options.destination ?? standardOutput(),
  );
}

/**
 * Asynchronous pino loses nearly everything at kill -9, so every line is written before we go on. Its own synchronous
 * destination keeps in memory what a full disk does not take; this one drops it, and says how much when there is room.
 */
function standardOutput(): DestinationStream {
  let dropped = 0;
  let torn = false;
  return {
    write(line) {
      const missing = dropped === 0 ? "" : missingLine(dropped);
      const before = `${torn ? "\n" : ""}${missing}`;
      const bytes = Buffer.from(before + line);
      let done = 0;
      try {
        while (done < bytes.length) done += writeWhenPossible(bytes, done);
        dropped = 0;
        torn = false;
      } catch {
        dropped = done < before.length ? dropped + 1 : 1; // those before this line are told by then
        torn ||= done > 0;
      }
    },
  };
}

/** A pipe that does not block is full for a moment now and then: its reader gets a second. */
function writeWhenPossible(bytes: Buffer, from: number): number {
  for (let tries = 0; ; tries++) {
    try {
      return writeSync(1, bytes, from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || tries === TRIES) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_MS);
    }
  }
}

function missingLine(dropped: number): string {
  const said = { level: "warn", time: new Date().toISOString(), event: "trouble", part: "log", dropped };
  return `${JSON.stringify(said)}\n`;
}
