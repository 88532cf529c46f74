/** Runs vitest for `npm test` and `npm run soak`; it ends with us. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";

/** Runs `vitest run` with these arguments, on our terminal; resolves with the exit code, 128 + n after a signal. */
export function runVitest(root, args, env = {}) {
  const program = join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [program, "run", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  // We stay until it is over. Ctrl-C reaches vitest from the terminal itself, and twice would be an abort.
  const interrupt = () => process.stdin.isTTY || child.kill("SIGINT");
  const end = (signal) => child.kill(signal);
  process.on("SIGINT", interrupt).on("SIGTERM", end).on("SIGHUP", end);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      process.off("SIGINT", interrupt).off("SIGTERM", end).off("SIGHUP", end);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}
