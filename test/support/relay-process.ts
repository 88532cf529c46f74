/**
 * The whole path: the real program as a process, its real Redis, and the upstream simulator with its journal.
 *
 * Promises: everything is gone after `close`. Refuses to know who uses it: tests take theirs from relay.ts.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arrived } from "../../src/sandbox/arrivals.ts";
import { type FailRule, parseFailRule } from "../../src/sandbox/faults.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/simulator.ts";
import { MAIN } from "./build.ts";
import { makeFolder } from "./make-folder.ts";
import { PAIRS, type RelayConfig, relayConfig } from "./relay-config.ts";
import { type ClockJump, type CrashAt, crashHook, type Hook, TestClock } from "./relay-hooks.ts";
import { until } from "./until.ts";

export const PASSWORD = "correct horse battery staple";
const CRASH_LIMIT_MS = 30_000;

/** Lines of the log, as they are. */
export type LogLine = { event: string } & Record<string, unknown>;

export interface RelayOptions extends RelayConfig {
  /** Rules that the simulator goes wrong by from the start. */
  readonly fail?: readonly string[];
  /** Pairs that the simulator knows besides `PAIRS`. */
  readonly pairs?: readonly { readonly envelope: string; readonly header: string }[];
  readonly env?: Record<string, string>;
  /** Options of Node for the agent, before the program's name. */
  readonly nodeOptions?: readonly string[];
  /** `test`: the agent's clocks can be set with `jumpClock`. */
  readonly clock?: "system" | "test";
  readonly onArrived?: (arrived: Arrived) => void;
}

export class RelayProcess implements AsyncDisposable {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly log: LogLine[] = [];
  readonly configFile: string;
  readonly #options: RelayOptions;
  readonly #clock: TestClock | undefined;
  #agent: ChildProcess | undefined;
  #closed: Promise<void> = Promise.resolve();
  #redis: number | undefined;
  #port = 0;
  #stderr = "";

  private constructor(folder: string, sandbox: Sandbox, options: RelayOptions) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.configFile = join(folder, "sluice.yaml");
    this.#options = options;
    this.#clock = options.clock === "test" ? new TestClock(folder) : undefined;
  }

  /** Starts the simulator and writes the config; the agent is started by `up`. */
  static async prepare(options: RelayOptions): Promise<RelayProcess> {
    const folder = await makeFolder();
    await mkdir(join(folder, "sandbox"));
    const sandbox = await startSandbox({
      starttlsPort: 0,
      tlsPort: 0,
      dir: join(folder, "sandbox"),
      username: "portal-user",
      password: PASSWORD,
      pairs: [...PAIRS, ...(options.pairs ?? [])],
      rules: (options.fail ?? []).map(failRule),
      ...(options.onArrived ? { onArrived: options.onArrived } : {}),
    });
    const relay = new RelayProcess(folder, sandbox, options);
    await writeFile(join(folder, "password"), `${PASSWORD}\n`, { mode: 0o600 });
    await relay.configure(options);
    return relay;
  }

  async configure(config: RelayConfig): Promise<void> {
    const { stateDir, sandbox } = this;
    await writeFile(this.configFile, relayConfig(config, { stateDir, upstreamPort: sandbox.starttlsPort }));
  }

  get stateDir(): string {
    return join(this.folder, "state");
  }

  get port(): number {
    return this.#port;
  }

  get arrived(): readonly Arrived[] {
    return this.sandbox.arrived;
  }

  get processId(): number {
    return this.#agent?.pid ?? 0;
  }

  setFaults(...rules: string[]): void {
    this.sandbox.setRules(rules.map(failRule));
  }

  /** Starts the agent and waits until it listens; with `crashAt`, or until it has crashed there. */
  async up(options: { readonly crashAt?: CrashAt } = {}): Promise<void> {
    const seen = this.log.length;
    this.#spawn(options.crashAt);
    const started = await until("the agent listens", () => {
      const line = this.log.slice(seen).find(({ event }) => event === "started");
      if (line || (options.crashAt !== undefined && this.#agent?.signalCode === "SIGKILL")) return { line };
      if (this.#agent?.exitCode === null && this.#agent.signalCode === null) return undefined;
      throw new Error(`the agent ended: ${this.#stderr} ${JSON.stringify(this.log.slice(seen))}`);
    });
    const [address] = (started.line?.listen ?? []) as string[];
    this.#port = Number(address?.split(":").at(-1) ?? 0);
  }

  /** Waits until the agent has crashed; rejects when it ended in another way. */
  async ended(): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, CRASH_LIMIT_MS).unref());
    await Promise.race([this.#closed, limit]);
    const { exitCode, signalCode } = this.#agent ?? {};
    if (signalCode !== "SIGKILL")
      throw new Error(`Waited for the crash: the agent ${exitCode === null ? "runs" : `ended: ${exitCode}`}`);
  }

  /** Sets the agent's clocks, which `clock: "test"` made settable; resolves when a running agent goes by them. */
  async jumpClock(jump: ClockJump): Promise<void> {
    if (!this.#clock) throw new Error('Cannot set the clock as the relay has no clock: "test"');
    await this.#clock.jump(jump);
    if (alive(this.processId)) await this.#clock.seen();
  }

  /** Sends SIGTERM and waits for the end; gives the exit code. */
  async down(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const agent = this.#agent;
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return agent?.exitCode ?? null;
    agent.kill(signal);
    await this.#closed;
    return agent.exitCode;
  }

  /** kill -9. */
  async kill(what: "agent" | "redis" | "agent and redis"): Promise<void> {
    const redis = await this.redisProcess();
    if (what !== "redis") await this.down("SIGKILL");
    if (what !== "agent" && redis) await killed(redis);
  }

  /** The process id of the embedded Redis, if one runs. */
  async redisProcess(): Promise<number | undefined> {
    return this.#redis !== undefined && alive(this.#redis) ? this.#redis : undefined;
  }

  /** The lines of the log that nobody took yet: a test of many cycles keeps what it needs of them. */
  takeLog(): LogLine[] {
    return this.log.splice(0);
  }

  /** Events of the log so far. */
  events(event: string): LogLine[] {
    return this.log.filter((line) => line.event === event);
  }

  /** Runs a command of the program; never rejects for an exit code. */
  async command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        [MAIN, ...args, "-c", this.configFile],
        {
          env: { ...process.env, ...this.#options.env },
        },
      );
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  async arrivedRaw(index: number): Promise<Buffer> {
    const arrived = this.arrived[index];
    if (!arrived) throw new Error(`no message ${index} arrived`);
    return readFile(arrived.file);
  }

  /** Ends everything and removes its folder. */
  async close(): Promise<void> {
    const redis = await this.redisProcess();
    if ((await this.down()) === null) await this.down("SIGKILL");
    if (redis !== undefined && alive(redis)) await killed(redis);
    await this.sandbox.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #spawn(crashAt: CrashAt | undefined): void {
    const hooks: Hook[] = [];
    if (crashAt !== undefined) hooks.push(crashHook(crashAt));
    if (this.#clock) hooks.push(this.#clock.hook);
    const nodeOptions = [...(this.#options.nodeOptions ?? []), ...hooks.flatMap((hook) => hook.nodeOptions)];
    const env = Object.assign({}, process.env, this.#options.env, ...hooks.map((hook) => hook.env));
    const agent = spawn(process.execPath, [...nodeOptions, MAIN, "run", "-c", this.configFile], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#agent = agent;
    this.#closed = new Promise((resolve) => agent.once("close", () => resolve()));
    let rest = "";
    agent.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#heard(JSON.parse(line));
    });
    agent.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  #heard(line: LogLine): void {
    this.log.push(line);
    if (line.event !== "redis" || line.what !== "started") return;
    this.#redis = Number(/process (\d+)/.exec(String(line.detail))?.[1]);
  }
}

function failRule(text: string): FailRule {
  const parsed = parseFailRule(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.rule;
}

/** Does this process run? A zombie does not: its parent may be long in asking how it ended. */
export function alive(id: number): boolean {
  if (!Number.isInteger(id)) return false;
  try {
    return !/\) Z /.test(readFileSync(`/proc/${id}/stat`, "latin1"));
  } catch {
    return false;
  }
}

async function killed(id: number): Promise<void> {
  process.kill(id, "SIGCONT");
  process.kill(id, "SIGKILL");
  await until("Redis is gone", () => !alive(id));
}
