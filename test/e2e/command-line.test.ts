/** The program as a shell calls it: what becomes of its output. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { MAIN } from "../support/build.ts";

/** Runs a line of shell in which `sluice` is the built program; never rejects for an exit code. */
async function shell(line: string) {
  const script = `sluice() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`;
  return promisify(execFile)("bash", ["-o", "pipefail", "-c", script]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

test("a reader that goes is no error; a disk that is full is a sentence and exit code 69", async () => {
  expect(await shell("sluice config --example | head -n 1")).toMatchObject({ code: 0, stderr: "" });
  expect(await shell("sluice config --example > /dev/full")).toEqual({
    code: 69,
    stdout: "",
    stderr: "Cannot write the output: ENOSPC: no space left on device, write\n",
  });
});
