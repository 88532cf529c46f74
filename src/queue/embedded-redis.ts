/**
 * A Redis server of our own: a child process on a private unix socket, no TCP port.
 *
 * Promises: restarted when it dies; what a killed agent left behind is stopped before ours starts (the
 * lock on the state folder says that it is nobody else's); shut down by `stop`, which the agent calls last.
 * Custody does not depend on it: `appendfsync everysec` is enough, losing all of it loses no mail.
 * Refuses to start (rejects, with a sentence) when no server program is on PATH.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAMS = ["redis-server", "valkey-server"];
const RESTART_MS = [100, 500, 1000, 2000, 5000];
const STOP_MS = 5000;
const LISTEN_MS = 2000;
const CALM_MS = 60_000;

export interface EmbeddedRedisOptions {
  /** Where its files are: `<stateDir>/redis`. */
  readonly folder: string;
  readonly socket: string;
  /** Most memory it may use, bytes; writes are refused beyond it, mail then waits on disk. */
  readonly maxMemoryBytes: number;
  readonly report: (what: "started" | "died" | "missing", detail: string) => void;
}

export class EmbeddedRedis {
  readonly #options: EmbeddedRedisOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;

  private constructor(options: EmbeddedRedisOptions) {
    this.#options = options;
  }

  /** Starts it. Resolves when it listens, or after two seconds: clients keep trying until it does. */
  static async start(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
    await stopLeftovers(options);
    await rm(options.socket, { force: true }); // of a server that was killed
    const server = new EmbeddedRedis(options);
    await server.#spawn();
    for (const end = Date.now() + LISTEN_MS; !existsSync(options.socket) && Date.now() < end; )
      await sleep(10);
    return server;
  }

  /** Asks it to save and end, and waits; kills it when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(timer);
  }

  async #spawn(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 }); // somebody may have deleted it meanwhile
    const child = await spawnFirst(PROGRAMS, this.#arguments(), this.#options.folder);
    if (!child) {
      this.#deaths++;
      this.#options.report(
        "missing",
        "no redis-server or valkey-server on PATH; install the redis-server package",
      );
      this.#restartLater();
      return;
    }
    const startedAt = Date.now();
    let words = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-2000);
    });
    this.#child = child;
    this.#options.report("started", `process ${child.pid}`);
    child.once("exit", (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      if (this.#stopping) return;
      this.#deaths = Date.now() - startedAt > CALM_MS ? 0 : this.#deaths + 1;
      this.#options.report("died", `${signal ?? `exit ${code}`}: ${words.trim().split("\n").at(-1) ?? ""}`);
      this.#restartLater();
    });
  }

  #restartLater(): void {
    if (this.#stopping) return;
    const wait = RESTART_MS[Math.min(this.#deaths, RESTART_MS.length - 1)];
    const again = (error: Error) => {
      this.#deaths++;
      this.#options.report("died", error.message);
      this.#restartLater();
    };
    this.#restart = setTimeout(() => void this.#spawn().catch(again), wait);
  }

  #arguments(): string[] {
    const settings = {
      port: "0",
      unixsocket: this.#options.socket,
      unixsocketperm: "700",
      dir: this.#options.folder,
      daemonize: "no",
      save: "",
      appendonly: "yes",
      appendfsync: "everysec",
      maxmemory: String(this.#options.maxMemoryBytes),
      "maxmemory-policy": "noeviction",
      // A crash in the middle of a write to the log must not stop the next start: the spool knows better.
      "aof-load-truncated": "yes",
      "auto-aof-rewrite-min-size": "16mb",
      loglevel: "warning",
      "hash-max-listpack-value": "512",
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  }
}

/** Spawns the first of the programs that exists; undefined when none does. */
async function spawnFirst(
  programs: string[],
  args: string[],
  cwd: string,
): Promise<ChildProcess | undefined> {
  for (const program of programs) {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "ignore"] });
    const spawned = await new Promise<boolean>((resolve) => {
      child.once("spawn", () => resolve(true));
      child.once("error", () => resolve(false));
    });
    if (spawned) return child;
  }
  return undefined;
}

/** Servers that a killed agent left behind: asked to save and end; killed when they do not. */
async function stopLeftovers(options: EmbeddedRedisOptions): Promise<void> {
  for (const processId of await leftovers(options)) {
    process.kill(processId, "SIGTERM");
    for (const end = Date.now() + STOP_MS; (await isLeftover(options, processId)) && Date.now() < end; )
      await sleep(20);
    if (await isLeftover(options, processId)) process.kill(processId, "SIGKILL");
  }
}

async function leftovers(options: EmbeddedRedisOptions): Promise<number[]> {
  const names = await readdir("/proc").catch(() => []);
  const ids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const known = await Promise.all(ids.map((id) => isLeftover(options, id)));
  return ids.filter((_, index) => known[index]);
}

/**
 * Known by our socket in its command line (an argument of its start, or how redis-server shows it later) and by our
 * folder, which another one of that name, in a container, is not. A process id in a file would miss a server whose
 * agent was killed before the file was written. What has ended, and nobody has waited for, has no command line.
 */
async function isLeftover({ socket, folder }: EmbeddedRedisOptions, processId: number): Promise<boolean> {
  const line = await readFile(`/proc/${processId}/cmdline`, "utf8").catch(() => "");
  if (!line.includes(`unixsocket\0${socket}\0`) && !line.includes(`unixsocket:${socket}`)) return false;
  const where = `/proc/${processId}/cwd`;
  if ((await readlink(where).catch(() => "")) === `${folder} (deleted)`) return true;
  const [ours, its] = await Promise.all([folder, where].map((path) => stat(path).catch(() => undefined)));
  return ours !== undefined && ours.ino === its?.ino && ours.dev === its.dev;
}
