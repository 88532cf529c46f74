/**
 * The only place that knows environment variables: the few config keys that containers set, and the default file.
 *
 * Promises: a variable beats the config file; an empty variable counts as not set; problems name the variable.
 * Refuses: passwords (SLUICE_REDIS with one in it).
 */
import { type Finding, isMap, type Path } from "./findings.ts";

/** A value taken from an environment variable instead of the config file. */
export interface Override {
  readonly variable: string;
  readonly path: Path;
  /** As it would stand in the config file. */
  readonly value: unknown;
}

/** Which variable sets which config key. */
export const variables: readonly {
  readonly variable: string;
  readonly path: Path;
  readonly meaning: string;
}[] = [
  { variable: "SLUICE_HOSTNAME", path: ["hostname"], meaning: "the host name" },
  { variable: "SLUICE_REDIS", path: ["redis"], meaning: "`embedded` or a URL without a password" },
  { variable: "SLUICE_LISTEN", path: ["listen", "addresses"], meaning: "addresses, separated by commas" },
  { variable: "SLUICE_CLIENTS", path: ["listen", "clients"], meaning: "address ranges, separated by commas" },
  { variable: "SLUICE_HTTP", path: ["http"], meaning: "`off`, or an address with a port" },
  { variable: "SLUICE_LOG_LEVEL", path: ["log", "level"], meaning: "the level" },
  { variable: "STATE_DIRECTORY", path: ["stateDir"], meaning: "set by systemd; the first of several counts" },
];

/** The overrides that this environment holds; `redis` is what the config file says about it. */
export function overridesOf(env: NodeJS.ProcessEnv, redis: unknown): Override[] {
  return variables.flatMap(({ variable, path }): Override[] => {
    const text = env[variable];
    if (!text) return [];
    if (variable === "SLUICE_LISTEN" || variable === "SLUICE_CLIENTS") {
      return [{ variable, path, value: text.split(",").map((part) => part.trim()) }];
    }
    if (variable === "SLUICE_HTTP" && text !== "off") return [{ variable, path, value: { listen: text } }];
    // systemd.exec(5): several state directories are joined with colons; ours is the first.
    if (variable === "STATE_DIRECTORY") return [{ variable, path, value: text.split(":")[0] }];
    // A password stays where the file says it is: only the place of Redis comes from the environment.
    const placeOnly = variable === "SLUICE_REDIS" && isMap(redis) && text !== "embedded";
    return [{ variable, path: placeOnly ? ["redis", "url"] : path, value: text }];
  });
}

/** What is wrong with the environment as such. */
export function environmentFindings(env: NodeJS.ProcessEnv): Finding[] {
  const findings: Finding[] = [];
  if (env.STATE_DIRECTORY && !env.STATE_DIRECTORY.startsWith("/")) {
    const message = "is not an absolute path";
    findings.push({
      path: ["STATE_DIRECTORY"],
      value: env.STATE_DIRECTORY,
      message,
      remedy: "unset it; systemd sets it",
    });
  }
  return findings;
}

/** The config file to use when the command line names none. */
export function defaultConfigFile(env: NodeJS.ProcessEnv): string {
  return env.SLUICE_CONFIG || "/etc/sluice/sluice.yaml";
}

/** The environment of this process: commands pass it on to `loadConfig` and `controlSocketPath`. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
