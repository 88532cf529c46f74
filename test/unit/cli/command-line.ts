/**
 * Runs a command line in this process and keeps what it prints.
 */
import { vi } from "vitest";
import { runCommandLine } from "../../../src/cli/program.ts";

/** What a command line left behind. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `sluice ARGS` to its end. */
export async function sluice(...args: string[]): Promise<Outcome> {
  let [out, err] = ["", ""];
  const toOut = (text: unknown) => {
    out += text;
    return true;
  };
  const toErr = (text: unknown) => {
    err += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(toOut),
    vi.spyOn(process.stderr, "write").mockImplementation(toErr),
    vi.spyOn(console, "log").mockImplementation((text) => void toOut(`${text}\n`)),
    vi.spyOn(console, "error").mockImplementation((text) => void toErr(`${text}\n`)),
  ];
  try {
    const code = await runCommandLine(args);
    return { code, out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
