/**
 * The floors of the house (docs/architecture.md): a file imports its own folder or a lower floor, never up,
 * sideways only to `observe/`; some libraries and `process.env` live in one place only; files and functions stay
 * of a size that one can read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const SRC = join(ROOT, "src");

const FLOOR: Record<string, number> = {
  mail: 0,
  policy: 1,
  schedule: 1,
  message: 1,
  decision: 2,
  config: 2,
  observe: 2,
  spool: 2,
  journal: 2,
  queue: 2,
  pacing: 2,
  upstream: 2,
  intake: 3,
  delivery: 3,
  usage: 3,
  control: 3,
  sandbox: 3,
  doctor: 3,
  web: 4,
  "reload.ts": 4,
  "state-folder.ts": 4,
  "agent.ts": 5,
  cli: 6,
  "main.ts": 7,
};

/** The half that takes mail and the half that delivers it meet only at the spool and the queue. */
const CONFINED: Record<string, readonly string[]> = {
  "smtp-server": ["intake", "sandbox"],
  nodemailer: ["upstream", "message", "cli"],
  bullmq: ["queue"],
  ioredis: ["queue", "pacing"],
  fastify: ["control", "web"],
  "prom-client": ["observe"],
  mailparser: ["sandbox"],
  uplot: ["web"],
  "@peculiar/x509": ["sandbox"],
  "fs-native-extensions": ["spool"],
  koffi: ["intake", "observe"],
  pino: ["observe"],
  commander: ["cli", "main.ts"],
  yaml: ["config"],
  zod: ["config", "control", "web"],
};

/** Types cost nothing at run time, but a type of another floor is knowledge of it all the same. */
const IMPORT = /^\s*(?:import|export)\b[^"';]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: Source[] = (readdirSync(SRC, { recursive: true, encoding: "utf8" }) as string[])
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .map((path) => {
    const text = readFileSync(join(SRC, path), "utf8");
    const imports = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2]) as string);
    return { path, room: path.split("/")[0] as string, text, imports };
  });

function roomOf(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return relative(SRC, resolve(SRC, source.path, "..", specifier)).split("/")[0];
}

/** What a source does against the floors; the checker itself is tested below. */
function floorFaults(source: Source): string[] {
  return source.imports.flatMap((specifier) => {
    const room = roomOf(source, specifier);
    if (room === undefined || room === source.room || room === "observe") return [];
    const [from, to] = [FLOOR[source.room], FLOOR[room]];
    return from !== undefined && to !== undefined && to < from ? [] : [`${source.path} imports ${specifier}`];
  });
}

function confinementFaults(source: Source): string[] {
  return source.imports.flatMap((specifier) => {
    const library = Object.keys(CONFINED).find(
      (name) => specifier === name || specifier.startsWith(`${name}/`),
    );
    if (library === undefined || CONFINED[library]?.includes(source.room)) return [];
    return [`${source.path} imports ${specifier}`];
  });
}

test("every room of src/ has a floor", () => {
  expect([...new Set(sources.map(({ room }) => room))].filter((room) => FLOOR[room] === undefined)).toEqual(
    [],
  );
});

test("a file imports its own folder or a lower floor, sideways only observe/", () => {
  expect(sources.flatMap(floorFaults)).toEqual([]);
});

test("libraries stay in the rooms that own them", () => {
  expect(sources.flatMap(confinementFaults)).toEqual([]);
});

test("the environment is read in config/ only, and handed to it by main", () => {
  const readers = sources.filter(({ text }) => text.includes("process.env")).map(({ path }) => path);
  expect(readers.filter((path) => !path.startsWith("config/"))).toEqual([]);
});

test("codes are compared with 400 and 500 in schedule/verdict.ts only", () => {
  const compared = sources.filter(({ text }) => /[<>]=?\s*[45]00\b/.test(text)).map(({ path }) => path);
  expect(
    compared.filter((path) => path !== "schedule/verdict.ts" && !/^(sandbox|intake)\//.test(path)),
  ).toEqual([]);
});

test("a file has about 250 lines, 270 at most, and opens with what it is for", () => {
  const long = sources.filter(({ text }) => text.split("\n").length > 270).map(({ path }) => path);
  const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path);
  expect({ long, silent }).toEqual({ long: [], silent: [] });
});

test("the checks see what they are to see", () => {
  const bad = (path: string, specifier: string): Source => ({
    path,
    room: path.split("/")[0] as string,
    text: "",
    imports: [specifier],
  });
  expect(floorFaults(bad("intake/x.ts", "../delivery/feeder.ts"))).toHaveLength(1);
  expect(floorFaults(bad("mail/x.ts", "../policy/senders.ts"))).toHaveLength(1);
  expect(floorFaults(bad("spool/x.ts", "../journal/read.ts"))).toHaveLength(1);
  expect(floorFaults(bad("spool/x.ts", "../observe/log.ts"))).toHaveLength(0);
  expect(floorFaults(bad("delivery/x.ts", "../spool/spool.ts"))).toHaveLength(0);
  expect(confinementFaults(bad("delivery/x.ts", "bullmq"))).toHaveLength(1);
  expect(confinementFaults(bad("queue/x.ts", "bullmq"))).toHaveLength(0);
});
