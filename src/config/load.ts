/**
 * From a file name to a checked config, or to everything that is wrong with it.
 *
 * Promises: never throws for what a file or the environment holds; all problems at once, in the order of the file.
 * Refuses: a config with any problem at all; there is no half-loaded config.
 *
 * The way: text -> YAML -> layers (environment, preset) -> schema -> rules -> files -> one immutable `Config`.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { buildConfig, buildPublicConfig, type FileContents } from "./build.ts";
import type { Config, Problem, PublicConfig } from "./config.ts";
import { type ConfigDocument, parseConfigText } from "./document.ts";
import { environmentFindings } from "./environment.ts";
import { fileReader } from "./files.ts";
import { type Finding, type Path, pathText, soundsSecret, valueAt, valueText } from "./findings.ts";
import { type Layered, layered } from "./layers.ts";
import { findingsOf } from "./problems.ts";
import { type LooseSettings, ruleFindings } from "./rules.ts";
import { type Settings, settingsSchema } from "./schema.ts";
import { readLoosely } from "./schema-walk.ts";
import { leakWarnings, warningsOf } from "./warnings.ts";

type Refused = { readonly ok: false; readonly problems: Problem[] };
export type LoadResult<T> =
  | { readonly ok: true; readonly config: T; readonly warnings: Problem[]; readonly origins: Origins }
  | Refused;

/** Where the values of a config came from, for `sluice config`. */
export interface Origins {
  readonly document: ConfigDocument;
  readonly layers: Layered;
}

/** What to do about password files: the agent needs them, `check` looks at them, other commands do not touch them. */
export type SecretsUse = "needed" | "looked-at" | "left-alone";

/** Everything the agent runs on. A problem of a password file is a problem like any other. */
export function loadConfig(file: string, env: NodeJS.ProcessEnv): LoadResult<Config> {
  const read = examine(file, env, "needed");
  if (!read.ok) return read;
  const { file: path, settings, contents, warnings, origins } = read;
  return { ok: true, config: buildConfig(path, settings, contents), warnings, origins };
}

/** The same checks; but $CREDENTIALS_DIRECTORY, which only the service has, may be missing: a warning. */
export function checkConfig(file: string, env: NodeJS.ProcessEnv): LoadResult<PublicConfig> {
  return publicResult(examine(file, env, "looked-at"));
}

/** What every local user may read: password and CA files are not opened. */
export function loadPublicConfig(file: string, env: NodeJS.ProcessEnv): LoadResult<PublicConfig> {
  return publicResult(examine(file, env, "left-alone"));
}

interface Examined {
  readonly ok: true;
  readonly file: string;
  readonly settings: Settings;
  readonly contents: FileContents;
  readonly warnings: Problem[];
  readonly origins: Origins;
}

function publicResult(read: Examined | Refused): LoadResult<PublicConfig> {
  if (!read.ok) return read;
  const { file, settings, contents, warnings, origins } = read;
  return { ok: true, config: buildPublicConfig(file, settings, contents.stateDir), warnings, origins };
}

function examine(name: string, env: NodeJS.ProcessEnv, use: SecretsUse): Examined | Refused {
  const { problems, settings, contents, ...read } = readConfig(name, env, use);
  if (problems.length > 0 || settings === undefined || contents === undefined || read.origins === undefined)
    return { ok: false, problems: [...problems] };
  return { ok: true, ...read, settings, contents, warnings: [...read.warnings], origins: read.origins };
}

/** A config as far as it can be read, and all that is wrong with it or unwise. */
export interface ConfigReading {
  /** Absolute. */
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Without the parts that were refused. */
  readonly loose: LooseSettings;
  /** Absent when the schema refused something. */
  readonly settings?: Settings;
  /** Absent when the file cannot be read as YAML. */
  readonly contents?: FileContents;
  readonly origins?: Origins;
}

/** Reads it, whatever is wrong: nothing is refused here. */
export function readConfig(name: string, env: NodeJS.ProcessEnv, use: SecretsUse): ConfigReading {
  const file = resolve(name);
  const text = readText(file);
  if (typeof text !== "string") return { file, problems: [text], warnings: [], loose: {} };
  const document = parseConfigText(text);
  const syntax: Problem[] = document.findings.map(({ line, ...finding }) => ({
    ...problemOf(finding),
    line,
  }));
  if (document.broken) return { file, problems: syntax, warnings: [], loose: {} };

  const layers = layered(document.values, env);
  const written = { values: layers.values, sourceOf: document.sourceOf };
  const parsed = settingsSchema.safeParse(layers.values);
  const loose: LooseSettings = parsed.success ? parsed.data : readLoosely(settingsSchema, layers.values);
  const given = (path: Path) => valueAt(layers.values, path) !== undefined;
  const files = fileReader(dirname(file), env, process.getuid?.() ?? 0);
  const contents = readFiles(loose, files, use);

  const place = (finding: Finding) => placed(finding, document, layers);
  const found = [
    ...environmentFindings(env),
    ...(parsed.success ? [] : findingsOf(parsed.error.issues, written)),
    ...ruleFindings(loose, given),
    ...files.findings,
    ...(use === "needed" ? files.absentCredentials : []),
  ];
  const problems = [...syntax, ...found.map(place)].sort(byLine);
  const absent = use === "looked-at" ? files.absentCredentials : [];
  const unwise = [...(parsed.success ? warningsOf(parsed.data) : []), ...absent].map(place);
  const warnings = [...unwise, ...leaksIn(text, contents)].sort(byLine);
  const settings = parsed.success ? { settings: parsed.data } : {};
  return { file, problems, warnings, loose, ...settings, contents, origins: { document, layers } };
}

function leaksIn(text: string, { passwords, redisPassword }: FileContents): Problem[] {
  const secrets = [...passwords.map((known) => known?.password), redisPassword];
  const known = secrets.filter((secret) => secret !== undefined);
  return leakWarnings(text, known).map(({ line, ...finding }) => ({ ...problemOf(finding), line }));
}

function readText(file: string): string | Problem {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      const remedy = `make one with: sluice config --example > ${file}`;
      return { path: "", message: `there is no config file ${file}`, remedy };
    }
    const remedy = code === "EACCES" ? `it holds no secret: chmod 644 ${file}` : "name a file with -c";
    return { path: "", message: `the config file ${file} cannot be read (${code})`, remedy };
  }
}

function readFiles(
  settings: LooseSettings,
  files: ReturnType<typeof fileReader>,
  use: SecretsUse,
): FileContents {
  const stateDir =
    settings.stateDir === undefined ? undefined : files.locate(["stateDir"], settings.stateDir);
  if (use === "left-alone") return { stateDir: stateDir ?? "", passwords: [] };
  const redis = settings.redis?.kind === "external" ? settings.redis : undefined;
  return {
    stateDir: stateDir ?? "",
    passwords: (settings.accounts ?? []).map((account, index) =>
      files.password(["accounts", index, "passwordFile"], account?.passwordFile),
    ),
    redisPassword: files.password(["redis", "passwordFile"], redis?.passwordFile)?.password,
    redisCa: files.certificates(["redis", "caFile"], redis?.caFile),
    upstreamCa: files.certificates(["upstream", "caFile"], settings.upstream?.caFile),
  };
}

/** A finding with its line; one about a value from the environment names the variable instead. */
function placed(finding: Finding, document: ConfigDocument, layers: Layered): Problem {
  const startsWith = (prefix: Path) => prefix.every((part, index) => finding.path[index] === part);
  const override = layers.overrides.find(({ path }) => startsWith(path));
  if (override) return { ...problemOf(finding), path: override.variable };
  const line = document.lineOf(finding.path);
  return { ...problemOf(finding), ...(line !== undefined && { line }) };
}

function problemOf({ path, value, message, remedy, denied }: Finding): Problem {
  const key = `${path.at(-1)}`;
  // Somebody may have written the password itself where a file name belongs.
  const hidden =
    value === undefined || soundsSecret(key) || (key === "passwordFile" && !`${value}`.includes("/"));
  const shown = hidden ? {} : { value: valueText(value) };
  return { path: pathText(path), ...shown, message, remedy, ...(denied && { denied }) };
}

function byLine(a: Problem, b: Problem): number {
  return (a.line ?? 0) - (b.line ?? 0);
}
