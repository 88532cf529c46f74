/** The systemd units, by systemd's own judgement. test/system runs them. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const FOLDER = join(import.meta.dirname, "../../systemd");
const analyze = (...args: readonly string[]) =>
  spawnSync("systemd-analyze", [...args, join(FOLDER, "sluice.service")], { encoding: "utf8" });
const unit = (name: string) => readFileSync(join(FOLDER, name), "utf8");

test.skipIf(analyze("--version").error !== undefined)("the service's exposure is 1.5 at most", () => {
  const { status, stdout } = analyze("security", "--offline=yes", "--threshold=15", "--no-pager");
  expect(stdout).toContain("Overall exposure level for sluice.service");
  expect(status).toBe(0);
  expect(analyze("security", "--offline=yes", "--threshold=5", "--no-pager").status).not.toBe(0);
});

test("every socket hands its connections to the service, which takes every socket", () => {
  for (const name of ["sluice.socket", "sluice-ipv6.socket"]) {
    expect(unit(name)).toMatch(/^Service=sluice\.service$/m);
    expect(unit("sluice.service")).toMatch(new RegExp(`^Sockets=.*\\b${name}\\b`, "m"));
    expect(unit("sluice.service")).toMatch(new RegExp(`^Also=.*\\b${name}\\b`, "m"));
  }
});
