/**
 * A client that runs as another local user: a process of its own that speaks SMTP, one command after another.
 *
 * Promises: resolves with the replies when it is over; nothing of it is left then. Only root can start it.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Why a test with other users has to be skipped; undefined when it can run. */
export const cannotBeOthers =
  process.getuid?.() === 0 ? undefined : "it needs root to run a client as nobody";

/** The overflow user, the same on every distribution. */
const NOBODY = 65534;

const CLIENT = `
  const [host, port, ...lines] = process.argv.slice(1);
  const replies = [];
  let text = "";
  const socket = require("node:net").connect(Number(port), host);
  socket.setEncoding("latin1").on("data", (more) => {
    text += more;
    const whole = /^(?:\\d{3}-.*\\r\\n)*(\\d{3} .*)\\r\\n$/.exec(text);
    if (!whole) return;
    replies.push(whole[1]);
    text = "";
    if (lines.length > 0) socket.write(lines.shift().replaceAll("\\n", "\\r\\n") + "\\r\\n");
    else socket.end();
  });
  socket.on("close", () => console.log(JSON.stringify(replies)));
`;

/** What user nobody is told when it says these lines; the first of the replies is the greeting. */
export async function sayAsNobody(
  { port, host = "127.0.0.1" }: { readonly port: number; readonly host?: string },
  ...lines: readonly string[]
): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["-e", CLIENT, "--", host, String(port), ...lines],
    { uid: NOBODY, gid: NOBODY, cwd: "/", env: {} },
  );
  return JSON.parse(stdout);
}
