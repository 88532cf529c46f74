/** Whether a program is on this machine. With SLUICE_REQUIRE_CLIENTS (CI) one that is missing fails the run. */
import { execFileSync } from "node:child_process";

/** `check`: the shell command that tells; by default whether it is on PATH. */
export function installed(program: string, check = `command -v ${program}`): boolean {
  try {
    execFileSync("sh", ["-c", check], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.SLUICE_REQUIRE_CLIENTS)
      throw new Error(`${program} is not installed; this run requires it`);
    return false;
  }
}
