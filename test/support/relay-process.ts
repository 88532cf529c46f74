/**
 * The whole path: the real program as a process, its real Redis, and the upstream simulator, which journals what
 * arrived.
 *
 * Promises: everything is gone after `close`. Refuses to know who uses it: tests take theirs from relay.ts.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arrived } from "../../src/sandbox/arrivals.ts";
import { type FailRule, parseFailRule } from "../../src/sandbox/faults.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/simulator.ts";
import { MAIN } from "./build.ts";
import { makeFolder } from "./make-folder.ts";
import { until } from "./until.ts";

export const PASSWORD = "correct horse battery staple";

/** Lines of the log, as they are. */
export type LogLine = { event: string } & Record<string, unknown>;

export interface RelayOptions {
  /** YAML that is added to the config, or a function of the defaults. */
  readonly config?: string;
  readonly pace?: string;
  readonly upstream?: string;
  readonly redis?: string;
  /** Rules that the simulator goes wrong by from the start. */
  readonly fail?: readonly string[];
  readonly env?: Record<string, string>;
  /** Options of Node for the agent, before the program's name. */
  readonly nodeOptions?: readonly string[];
  readonly onArrived?: (arrived: Arrived) => void;
}

export class RelayProcess implements AsyncDisposable {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly log: LogLine[] = [];
  readonly configFile: string;
  readonly #options: RelayOptions;
  #agent: ChildProcess | undefined;
  #port = 0;
  #stderr = "";

  private constructor(folder: string, sandbox: Sandbox, options: RelayOptions) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.configFile = join(folder, "sluice.yaml");
    this.#options = options;
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
      pairs: [
        { envelope: "app@lab.example", header: "app@lab.example" },
        { envelope: "bounces@lab.example", header: "news@lab.example" },
      ],
      rules: (options.fail ?? []).map(failRule),
      ...(options.onArrived ? { onArrived: options.onArrived } : {}),
    });
    const relay = new RelayProcess(folder, sandbox, options);
    await writeFile(join(folder, "password"), `${PASSWORD}\n`, { mode: 0o600 });
    await relay.configure(options);
    return relay;
  }

  async configure(options: RelayOptions): Promise<void> {
    const lines = [
      "hostname: app01.lab.example",
      `stateDir: ${this.stateDir}`,
      'listen: { addresses: ["127.0.0.1:0"] }',
      options.redis ?? "",
      options.upstream ??
        `upstream: { hosts: [localhost], port: ${this.sandbox.starttlsPort}, security: starttls, caFile: sandbox/ca.pem }`,
      "accounts:",
      "  - name: portal",
      "    username: portal-user",
      "    passwordFile: password",
      "    senders:",
      "      - app@lab.example",
      "      - { envelope: bounces@lab.example, header: news@lab.example }",
      `    pace: ${options.pace ?? "unlimited"}`,
      options.config ?? "",
    ];
    await writeFile(this.configFile, lines.join("\n"));
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

  /** Starts the agent and waits until it listens. */
  async up(): Promise<void> {
    const seen = this.log.length;
    this.#spawn();
    const started = await until("the agent listens", () => {
      if (this.#agent?.exitCode !== null)
        throw new Error(`the agent ended: ${this.#stderr} ${JSON.stringify(this.log.slice(seen))}`);
      return this.log.slice(seen).find(({ event }) => event === "started");
    });
    const [address] = started.listen as string[];
    this.#port = Number(address?.split(":").at(-1));
  }

  /** Sends SIGTERM and waits for the end; gives the exit code. */
  async down(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const agent = this.#agent;
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return agent?.exitCode ?? null;
    const ended = new Promise((resolve) => agent.once("close", resolve));
    agent.kill(signal);
    await ended;
    return agent.exitCode;
  }

  /** kill -9 of the agent, and of its Redis when asked. */
  async kill(what: "agent" | "agent and redis"): Promise<void> {
    const redis = await this.redisProcess();
    await this.down("SIGKILL");
    if (what === "agent and redis" && redis !== undefined) await killed(redis);
  }

  /** The process id of the embedded Redis, if one runs. */
  async redisProcess(): Promise<number | undefined> {
    const told = this.log.findLast(({ event, what }) => event === "redis" && what === "started");
    const id = Number(/process (\d+)/.exec(String(told?.detail))?.[1]);
    return alive(id) ? id : undefined;
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

  #spawn(): void {
    const args = [...(this.#options.nodeOptions ?? []), MAIN, "run", "-c", this.configFile];
    const agent = spawn(process.execPath, args, {
      env: { ...process.env, ...this.#options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#agent = agent;
    let rest = "";
    agent.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.log.push(JSON.parse(line));
    });
    agent.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }
}

function failRule(text: string): FailRule {
  const parsed = parseFailRule(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.rule;
}

export function alive(id: number): boolean {
  if (!Number.isInteger(id)) return false;
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

async function killed(id: number): Promise<void> {
  process.kill(id, "SIGCONT");
  process.kill(id, "SIGKILL");
  await until("Redis is gone", () => !alive(id));
}
