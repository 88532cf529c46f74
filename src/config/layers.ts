/**
 * Lays over and under the config file what comes from elsewhere: environment, preset, this machine, computed defaults.
 *
 * Promises: environment beats file, file beats preset, preset beats default; remembers where each value came from.
 * Refuses: to judge; the result goes through the schema like a file that had said all of it.
 */
import { type Override, overridesOf } from "./environment.ts";
import { type Path, pathText, valueAt } from "./findings.ts";
import { machineName } from "./machine-name.ts";
import { presetKeys, presetOf } from "./presets.ts";

/** Config values with their origins. */
export interface Layered {
  readonly values: Readonly<Record<string, unknown>>;
  /** Path text -> where it comes from, for what neither the file nor the schema's defaults said. */
  readonly sources: ReadonlyMap<string, string>;
  readonly overrides: readonly Override[];
}

/** The values of a config file with every other layer applied; the argument is left as it is. */
export function layered(fileValues: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): Layered {
  const values = structuredClone(fileValues) as Record<string, unknown>;
  const sources = new Map<string, string>();
  const put = (path: Path, value: unknown, source: string) => {
    if (setAt(values, path, value)) sources.set(pathText(path), source);
  };

  const overrides = overridesOf(env, values.redis);
  for (const { variable, path, value } of overrides) put(path, value, `environment ${variable}`);
  if (values.hostname === undefined) put(["hostname"], machineName(), "default: this machine's name");

  const service = valueAt(values, ["upstream", "service"]);
  const preset = typeof service === "string" ? presetOf(service) : undefined;
  for (const key of presetKeys) {
    if (preset && valueAt(values, ["upstream", key]) === undefined) {
      put(["upstream", key], preset[key], `preset ${service}`);
    }
  }

  const accounts = Array.isArray(values.accounts) ? values.accounts : [];
  accounts.forEach((account, index) => {
    const perHour = valueAt(account, ["pace", "perHour"]);
    if (typeof perHour !== "number" || valueAt(account, ["pace", "burst"]) !== undefined) return;
    put(["accounts", index, "pace", "burst"], defaultBurst(perHour), "default: 1 % of perHour");
  });
  return { values, sources, overrides };
}

/** What may go at once when the config does not say: 1 % of the hour, at least 1. */
export function defaultBurst(perHour: number): number {
  return Math.max(1, Math.floor(perHour / 100));
}

/** Sets a value, making the maps above it; false when something there is no map, which the schema then reports. */
function setAt(values: Record<string, unknown>, path: Path, value: unknown): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return false;
  if (rest.length === 0) {
    values[first] = value;
    return true;
  }
  values[first] ??= typeof rest[0] === "number" ? [] : {};
  const below = values[first];
  return typeof below === "object" && setAt(below as Record<string, unknown>, rest, value);
}
