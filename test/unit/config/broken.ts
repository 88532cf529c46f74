/**
 * What `check` says about a file of test/broken-configs, with a password file where the configs expect one.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { problemText } from "../../../src/cli/config-file.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { folderWith } from "./folder.ts";

/** The folder of the broken configs. */
export const brokenConfigs = join(import.meta.dirname, "../../broken-configs");

/** Every problem on a line of its own, as `check` prints it; the folder of the test is left out. */
export function checkBroken(name: string): string {
  const folder = folderWith({
    [name]: readFileSync(join(brokenConfigs, name)),
    password: "correct horse\n",
  });
  const result = loadConfig(join(folder, name), {});
  const problems = result.ok ? [] : result.problems;
  return problems.map((problem) => `${problemText(name, problem).replaceAll(`${folder}/`, "")}\n`).join("");
}
