/**
 * Child processes of the set-up: run one, quietly or not; none outlives us.
 *
 * Promises: a signal that ends us ends the child first, and runs the clean-up that was asked for.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";

const children = new Set();
const cleanups = new Set();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);

/** Hands signals back to what comes after the set-up. */
export function releaseSignals() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(signal, end);
}

function end(signal) {
  for (const child of children) child.kill(signal);
  for (const cleanup of cleanups) cleanup();
  process.exit(128 + constants.signals[signal]);
}

/** Calls `work`, then `cleanup`, which a signal in between calls too. */
export async function withCleanup(cleanup, work) {
  cleanups.add(cleanup);
  try {
    return await work();
  } finally {
    cleanups.delete(cleanup);
    cleanup();
  }
}

/**
 * Runs a program; resolves with { code, output }. `output` is empty where `show` lets it through to the terminal.
 * A program that is not there has code 127; one that takes longer than `timeoutMs` is ended.
 */
export function run(command, args, { show = false, timeoutMs = 0, ...options } = {}) {
  return new Promise((resolve) => {
    const stdio = show ? "inherit" : ["ignore", "pipe", "pipe"];
    const child = spawn(command, args, { stdio, timeout: timeoutMs, ...options });
    children.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => {
      children.delete(child);
      resolve({ code: 127, output: error.message });
    });
    child.on("close", (code) => {
      children.delete(child);
      resolve({ code: code ?? 1, output });
    });
  });
}

/** The same, for what must work. Rejects with `what` and the last lines it said. */
export async function must(what, command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code === 0) return output;
  const said = output.trim().split("\n").slice(-20).join("\n  ");
  throw new Error(
    `${what} failed: ${command} ${args[0] ?? ""} ended with ${code}.${said === "" ? "" : `\n  ${said}`}`,
  );
}
