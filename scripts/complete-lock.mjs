// Adds the optional platform packages that the registry at hand does not serve, so that npm ci finds the lock complete.
import { readFileSync, writeFileSync } from "node:fs";

const file = process.argv[2];
const lock = JSON.parse(readFileSync(file, "utf8"));
const { packages } = lock;
let added = 0;
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (packages[key] || packages[`${path}/node_modules/${name}`]) continue;
    const os = /(android|darwin|linux|win32|freebsd|openbsd|netbsd|sunos|aix|wasi|openharmony)/.exec(
      name,
    )?.[1];
    const cpu = /(arm64|x64|ia32|riscv64|loong64|mips64el|ppc64|s390x|wasm32|arm)(?![a-z0-9])/.exec(
      name.slice(name.lastIndexOf("/")),
    )?.[1];
    console.log(name, version, os, cpu);
    packages[key] = {
      version,
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(name.includes("musl") ? { libc: ["musl"] } : {}),
      optional: true,
      ...(os ? { os: [os] } : {}),
    };
    added++;
  }
}
const [first, ...rest] = [
  ["", packages[""]],
  ...Object.entries(packages)
    .filter(([k]) => k)
    .sort(([a], [b]) => a.localeCompare(b, "en")),
];
lock.packages = Object.fromEntries([first, ...rest]);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added, "added");
