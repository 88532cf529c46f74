/**
 * The file tree of a Debian package, and the package made of it.
 *
 * Promises: everything belongs to root; files are 0644, or 0755 where `put` said so; the checksums are there.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { must } from "./run.mjs";

const SCRIPTS = ["postinst", "prerm", "postrm"];
const LISTS = ["conffiles", "templates"];

/** Writes a file of the package; `path` is relative to its root. */
export function put(tree, path, content, mode = 0o644) {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

/** A symbolic link at `path`. */
export function link(path, to) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(to, path);
}

/** Every file below a folder that is no folder and no link, sorted. */
export function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Makes `<target>/<name>_<version>_<architecture>.deb`; `parts` is the folder with its control file and scripts. */
export async function buildDeb(tree, { parts, target, name, version, architecture }) {
  await must("chmod", "chmod", ["-R", "u=rwX,go=rX", tree]);
  const sizeKb = Number((await must("du", "du", ["-sk", tree])).split("\t")[0]);
  const sums = filesIn(tree).map((file) => `${md5(file)}  ${relative(tree, file)}\n`);
  const control = join(tree, "DEBIAN");
  const values = { VERSION: version, ARCHITECTURE: architecture, INSTALLED_SIZE: String(sizeKb) };
  const fields = readFileSync(join(parts, "control"), "utf8").replace(/@(\w+)@/g, (_, key) => values[key]);
  put(control, "control", fields);
  put(control, "md5sums", sums.filter((line) => !line.includes("  etc/")).join(""));
  for (const file of [...SCRIPTS, ...LISTS]) {
    if (!existsSync(join(parts, file))) continue;
    put(control, file, readFileSync(join(parts, file)), SCRIPTS.includes(file) ? 0o755 : 0o644);
  }
  const deb = join(target, `${name}_${version}_${architecture}.deb`);
  await must("dpkg-deb", "dpkg-deb", ["--build", "--root-owner-group", "-Zxz", tree, deb]);
  return { file: deb, sizeKb };
}

function md5(file) {
  return createHash("md5").update(readFileSync(file)).digest("hex");
}
