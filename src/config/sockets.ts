/**
 * Where our unix sockets live.
 *
 * Promises: a path short enough for the kernel (sun_path holds 108 bytes), the same for agent and commands.
 * Refuses: a folder under the temporary directory that somebody else could have made.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RUNTIME_FOLDER = "/run/sluice";
const MAX_PATH_BYTES = 100;

/**
 * `<stateDir>/<name>`, or a private folder under the temporary directory when that is too long.
 * Throws when that folder exists and is not ours alone.
 */
export function socketPath(stateDir: string, name: string): string {
  const path = join(stateDir, name);
  if (Buffer.byteLength(path) < MAX_PATH_BYTES) return path;
  const uid = process.getuid?.() ?? 0;
  const hash = createHash("sha256").update(stateDir).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `sluice-${uid}-${hash}`);
  makePrivateFolder(folder, uid);
  const short = join(folder, name);
  if (Buffer.byteLength(short) < MAX_PATH_BYTES) return short;
  throw new Error(`cannot make a socket as its path is too long: ${short}; choose a shorter stateDir`);
}

/** Where commands reach the agent. */
export function controlSocketPath(stateDir: string, env: NodeJS.ProcessEnv): string {
  // systemd.exec(5): RUNTIME_DIRECTORY may hold several paths, joined with colons.
  const ours = env.RUNTIME_DIRECTORY?.split(":").includes(RUNTIME_FOLDER) ?? false;
  const usual = stateDir === "/var/lib/sluice" && existsSync(RUNTIME_FOLDER);
  return ours || usual ? join(RUNTIME_FOLDER, "control.sock") : socketPath(stateDir, "control.sock");
}

/** First file descriptor that systemd hands over: sd_listen_fds(3). */
const FIRST_HANDED_OVER = 3;

/** Listening sockets that systemd opened for this process, in the order of the unit; none otherwise. */
export function handedOverSockets(env: NodeJS.ProcessEnv, processId: number): { readonly fd: number }[] {
  const count = Number(env.LISTEN_FDS);
  if (Number(env.LISTEN_PID) !== processId || !Number.isSafeInteger(count) || count < 1 || count > 100)
    return [];
  return Array.from({ length: count }, (_, n) => ({ fd: FIRST_HANDED_OVER + n }));
}

function makePrivateFolder(folder: string, uid: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  // lstat: a symbolic link put there by somebody else is refused too.
  const stats = lstatSync(folder);
  if (stats.isDirectory() && stats.uid === uid && (stats.mode & 0o777) === 0o700) return;
  throw new Error(`cannot use ${folder} for sockets as it is not a folder of ours with mode 0700; remove it`);
}
