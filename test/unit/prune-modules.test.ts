/** scripts/prune-modules.mjs on folders as npm makes them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { testFolder } from "../support/folder.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/prune-modules.mjs");
const HERE = `${process.platform}-${process.arch}`;

/** A node_modules with these files; `dev` of its one package, as npm notes it. */
async function modulesWith({
  files,
  dev,
}: {
  readonly files: readonly string[];
  readonly dev?: true;
}): Promise<string> {
  const modules = join(await testFolder(), "node_modules");
  const lock = { packages: { "node_modules/one": dev ? { dev } : {} } };
  for (const [file, text] of [
    [".package-lock.json", JSON.stringify(lock)],
    ...files.map((file) => [file, "x"]),
  ]) {
    const path = join(modules, file as string);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text as string);
  }
  return modules;
}

function prune(modules: string) {
  return spawnSync(process.execPath, [SCRIPT, modules], { encoding: "utf8" });
}

test("the program and its licences stay, in packages of packages too", async () => {
  const files = ["index.js", "package.json", "LICENSE.md", "lib/test/inner.js", `prebuilds/${HERE}/one.node`];
  const all = files.flatMap((file) => [
    `one/${file}`,
    `@scope/two/${file}`,
    `one/node_modules/three/${file}`,
  ]);
  const modules = await modulesWith({ files: all });
  expect(prune(modules).status).toBe(0);
  expect(all.filter((file) => !existsSync(join(modules, file)))).toEqual([]);
});

test("what Node never loads here goes", async () => {
  const files = [
    "index.d.ts",
    "src/index.mts",
    "lib/index.js.map",
    "README.md",
    "test/index.js",
    "docs/a.html",
  ];
  const foreign = ["prebuilds/sunos-sparc/one.node", "src/binding.cc"];
  const all = [...files, ...foreign].flatMap((file) => [`one/${file}`, `@scope/two/${file}`]);
  const modules = await modulesWith({ files: [...all, "one/index.js"] });
  expect(prune(modules).status).toBe(0);
  expect(all.filter((file) => existsSync(join(modules, file)))).toEqual([]);
});

test("a folder with packages for development is refused, and left as it is", async () => {
  const modules = await modulesWith({ files: ["one/index.d.ts"], dev: true });
  const { status, stderr } = prune(modules);
  expect(status).toBe(1);
  expect(stderr).toContain("node_modules/one is for development");
  expect(existsSync(join(modules, "one/index.d.ts"))).toBe(true);
});
