/**
 * The log: JSON lines, one event a line, on standard output.
 *
 * Promises: a line is out before the call returns (synchronous destination), so that kill -9 loses none;
 * trouble with the log never stops mail: a closed pipe or a full disk is swallowed.
 * Refuses to know what the events are: see events.ts.
 */
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error";

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

function standardOutput(): DestinationStream {
  // Asynchronous pino loses nearly everything at kill -9, so every line is written before we go on.
  const destination = pino.destination({ dest: 1, sync: true });
  destination.on("error", () => {});
  return destination;
}
