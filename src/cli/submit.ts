/**
 * Hands a message to the agent's listener as a program would: plain SMTP, no password.
 *
 * Promises: what the listener answers is a value; one that cannot be reached ends the command with a sentence.
 */
import { createTransport, type SendMailOptions } from "nodemailer";
import { hostToReach, type ListenAddress } from "../config/listen-address.ts";
import { CommandError, exit } from "./exit.ts";

export type Submitted =
  | { readonly ok: true; readonly id: string }
  /** `reply`: of the listener, verbatim; `later`: it says to try again. */
  | { readonly ok: false; readonly reply: string; readonly later: boolean };

const PATIENCE_MS = 30_000;

export async function submit(address: ListenAddress, message: SendMailOptions): Promise<Submitted> {
  const { host, port } = address;
  const transport = createTransport({
    host: hostToReach(address),
    port,
    secure: false,
    ignoreTLS: true,
    connectionTimeout: PATIENCE_MS,
    greetingTimeout: PATIENCE_MS,
    socketTimeout: PATIENCE_MS,
  });
  try {
    const { response } = await transport.sendMail({
      ...message,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    return { ok: true, id: /queued as (\S+)/.exec(response)?.[1] ?? "" };
  } catch (error) {
    const { response, message: reason } = error as Error & { response?: string };
    if (response !== undefined) return { ok: false, reply: response, later: response.startsWith("4") };
    throw new CommandError(exit.unavailable, `Cannot hand a message in at ${host}:${port}: ${reason}`);
  } finally {
    transport.close();
  }
}
