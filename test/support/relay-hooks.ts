/**
 * What a test changes in the program from outside: where it crashes, what its clock says. Modules that Node imports
 * before the program do it (crash-hook.mjs, clock-hook.mjs); here are the words that they are told.
 */
import { writeFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CrashPoint } from "../../src/observe/crash-point.ts";
import { ROOT } from "./build.ts";
import { until } from "./until.ts";

/** `recorded`: the first time that it is reached; `recorded#3`: the third. */
export type CrashAt = CrashPoint | `${CrashPoint}#${number}`;

/** By how much a clock jumps, milliseconds; a monotonic clock jumps when a machine sleeps. */
export interface ClockJump {
  readonly wallMs?: number;
  readonly monotonicMs?: number;
}

export interface Hook {
  readonly nodeOptions: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Ends the program with SIGKILL at `point`. */
export function crashHook(point: CrashAt): Hook {
  return { nodeOptions: importing("crash-hook.mjs"), env: { SLUICE_CRASH_AT: point } };
}

/** The clocks of a program, which a test can set while it runs and while it does not. */
export class TestClock {
  readonly #file: string;
  #wallMs = 0;
  #monotonicMs = 0;

  constructor(folder: string) {
    this.#file = join(folder, "clock");
    writeFileSync(this.#file, "0 0");
  }

  get hook(): Hook {
    return { nodeOptions: importing("clock-hook.mjs"), env: { TEST_CLOCK_FILE: this.#file } };
  }

  /** Sets the clocks on, or back, from what they say now. */
  async jump({ wallMs = 0, monotonicMs = 0 }: ClockJump): Promise<void> {
    this.#wallMs += wallMs;
    this.#monotonicMs += monotonicMs;
    await writeFile(`${this.#file}.new`, this.#text);
    await rename(`${this.#file}.new`, this.#file); // it is never seen half written
  }

  /** Resolves when a running program goes by the clocks as they were set last. */
  async seen(): Promise<void> {
    await until("the program's clocks are set", async () => {
      return (await readFile(`${this.#file}.seen`, "utf8").catch(() => "")) === this.#text;
    });
  }

  get #text(): string {
    return `${this.#wallMs} ${this.#monotonicMs}`;
  }
}

/** The options of Node that import a module of this folder before the program. */
export function importing(name: string): string[] {
  return ["--import", pathToFileURL(join(ROOT, "test/support", name)).href];
}
