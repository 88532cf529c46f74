/**
 * Asking the running agent from a command.
 *
 * Promises: who may not open the control socket is told so, exit code 77; an agent that does not run is a value, since
 * some commands can do without; those that cannot end with one and the same sentence, exit code 69.
 */
import { processEnvironment } from "../config/environment.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { askAgent } from "../control/client.ts";
import type { ConfigOptions } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { stateDirOf } from "./state-on-disk.ts";

/** GETs `path` from the agent, or POSTs `post` there; undefined when no agent runs. */
export async function askRunning(
  options: ConfigOptions,
  path: string,
  post?: object,
): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
  const stateDir = stateDirOf(options);
  const socket = controlSocketPath(stateDir, processEnvironment());
  const answer = await askAgent(socket, path, post);
  switch (answer.agent) {
    case "answered":
      return answer;
    case "not running":
      return undefined;
    case "not allowed":
      throw new CommandError(
        exit.notAllowed,
        `${socket}: permission denied; be root or a member of the group sluice`,
      );
  }
}

/** What ends a command that cannot do without the agent; `what`: what it cannot do. */
export function notRunning(what: string): CommandError {
  return new CommandError(
    exit.unavailable,
    `Cannot ${what} as the agent is not running: start it with systemctl start sluice, or sluice run`,
  );
}

/** What ends a command that the agent answered with an error. */
export function notAnswered({
  status,
  body,
}: {
  readonly status: number;
  readonly body: unknown;
}): CommandError {
  const { error = `status ${status}` } = (body ?? {}) as { readonly error?: string };
  return new CommandError(
    status === 503 ? exit.tryAgain : exit.failed,
    `The agent could not answer: ${error}`,
  );
}
