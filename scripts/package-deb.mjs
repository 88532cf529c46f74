/**
 * `npm run package:deb [-- --version VERSION]`: builds sluice_*.deb and sluice-mta_*.deb into dist-deb/.
 *
 * Promises: needs no root, and does not touch node_modules. Refuses to build for what no Node runtime is pinned for.
 */
import "./node-version.mjs";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { addModules, addRuntime } from "./deb-contents.mjs";
import { buildDeb, filesIn, link, put } from "./deb-tree.mjs";
import { manPages } from "./man-pages.mjs";
import { must, withCleanup } from "./run.mjs";
import { root } from "./setup.mjs";

const parts = join(root, "packaging", "deb");
const target = join(root, "dist-deb");

async function packageDeb() {
  const architecture = (await must("dpkg", "dpkg", ["--print-architecture"])).trim();
  const version = versionAsked() ?? JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  const node = JSON.parse(readFileSync(join(parts, "node.json"), "utf8"));
  const runtime = node.packages[architecture];
  if (!runtime) throw new Error(`No Node runtime is pinned for ${architecture} in packaging/deb/node.json.`);
  await must("the build", "npm", ["run", "--silent", "build"], { cwd: root });
  mkdirSync(target, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "sluice-deb-"));
  await withCleanup(
    () => rmSync(work, { recursive: true, force: true }),
    async () => {
      chmodSync(work, 0o755);
      const about = { version, architecture };
      const main = await mainPackage(join(work, "sluice"), { ...about, node, runtime });
      const mta = await mtaPackage(join(work, "sluice-mta"), about);
      for (const { file, sizeKb } of [main, mta])
        console.log(`${file}: ${megabytes(statSync(file).size)}, installed ${megabytes(sizeKb * 1024)}`);
    },
  );
}

function versionAsked() {
  const at = process.argv.indexOf("--version");
  return at < 0 ? undefined : process.argv[at + 1];
}

async function mainPackage(tree, { version, architecture, node, runtime }) {
  const home = join(tree, "usr", "lib", "sluice");
  mkdirSync(home, { recursive: true });
  await addRuntime(home, node.version, runtime);
  const licence = join(home, "LICENSE");
  put(tree, "usr/share/doc/sluice/node.LICENSE.gz", gzip(readFileSync(licence)));
  rmSync(licence);
  cpSync(join(root, "dist"), join(home, "dist"), {
    recursive: true,
    filter: (path) => !/\/\.built-from$/.test(path),
  });
  addManifest(home, version);
  addModules(home, architecture);
  const objects = filesIn(home).filter((file) => file.endsWith(".node"));
  await must("strip", "strip", ["--strip-unneeded", join(home, "node"), ...objects]);
  for (const file of filesIn(join(home, "node_modules"))) chmodSync(file, 0o644);
  link(join(home, "redis", "redis-server"), "../../../bin/redis-check-rdb"); // one program: it serves under this name

  const from = join(parts, "sluice");
  put(tree, "usr/bin/sluice", readFileSync(join(from, "wrapper")), 0o755);
  put(tree, "usr/lib/sysusers.d/sluice.conf", readFileSync(join(from, "sysusers.conf")));
  for (const unit of readdirSync(join(root, "systemd")))
    put(tree, `lib/systemd/system/${unit}`, readFileSync(join(root, "systemd", unit)));
  put(tree, "etc/sluice/sluice.yaml", readFileSync(join(root, "config", "sluice.example.yaml")));
  const pages = await manPages(root, version);
  put(tree, "usr/share/man/man8/sluice.8.gz", gzip(pages["sluice.8"]));
  put(tree, "usr/share/man/man5/sluice.yaml.5.gz", gzip(pages["sluice.yaml.5"]));
  put(tree, "usr/share/lintian/overrides/sluice", readFileSync(join(from, "lintian-overrides")));
  addDocs(tree, "sluice", version);
  return buildDeb(tree, { parts: join(parts, "sluice"), target, name: "sluice", version, architecture });
}

async function mtaPackage(tree, { version }) {
  const sendmail = (...args) => `#!/bin/sh\nexec /usr/bin/sluice sendmail ${[...args, '"$@"'].join(" ")}\n`;
  put(tree, "usr/sbin/sendmail", sendmail(), 0o755);
  put(tree, "usr/bin/mailq", sendmail("-bp"), 0o755);
  put(tree, "usr/bin/newaliases", sendmail("-bi"), 0o755);
  link(join(tree, "usr/lib/sendmail"), "../sbin/sendmail");
  link(join(tree, "usr/share/man/man8/sendmail.8.gz"), "sluice.8.gz");
  for (const page of ["mailq", "newaliases"])
    link(join(tree, `usr/share/man/man1/${page}.1.gz`), "../man8/sluice.8.gz");
  put(
    tree,
    "usr/share/lintian/overrides/sluice-mta",
    readFileSync(join(parts, "sluice-mta", "lintian-overrides")),
  );
  addDocs(tree, "sluice-mta", version);
  return buildDeb(tree, {
    parts: join(parts, "sluice-mta"),
    target,
    name: "sluice-mta",
    version,
    architecture: "all",
  });
}

/** What the program reads of its own package.json. */
function addManifest(home, version) {
  const { name, description, license, type, engines } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const manifest = { name, version, description, license, type, engines };
  writeFileSync(join(home, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function addDocs(tree, name, version) {
  const folder = `usr/share/doc/${name}`;
  const licence = readFileSync(join(root, "LICENSE"), "utf8");
  const bundled =
    "\nWhat is below /usr/lib/sluice/node_modules has licences of its own, a file beside each; Node's: node.LICENSE.gz.\n";
  put(tree, `${folder}/copyright`, name === "sluice" ? `${licence}${bundled}` : licence);
  const date = new Date(statSync(join(root, "CHANGELOG.md")).mtimeMs).toUTCString().replace("GMT", "+0000");
  const entry = `${name} (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- the sluice authors <sluice@localhost.localdomain>  ${date}\n`;
  put(tree, `${folder}/changelog.gz`, gzip(entry));
  if (name === "sluice") put(tree, `${folder}/NEWS.gz`, gzip(readFileSync(join(root, "CHANGELOG.md"))));
}

function gzip(text) {
  return gzipSync(text, { level: 9 });
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

packageDeb().catch((error) => {
  console.error(`sluice: ${error.message}`);
  process.exitCode = 1;
});
