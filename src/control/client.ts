/**
 * Asking a running agent over its control socket.
 *
 * Promises: an agent that is not there is a value, not an error: what can be read from disk is read from disk. One that
 * ends before its answer is whole is an error with a sentence.
 */
import { request } from "node:http";

export type ControlAnswer =
  | { readonly agent: "answered"; readonly status: number; readonly body: unknown }
  | { readonly agent: "not running" }
  | { readonly agent: "not allowed" };

const TIMEOUT_MS = 30_000;
const CUT_OFF = "the agent ended before it had answered";

/** GETs `path` from the agent that listens on `socketPath`; with `post`, POSTs that there as JSON. */
export function askAgent(socketPath: string, path: string, post?: object): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const body = post && JSON.stringify(post);
    const how = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" } };
    const asked = request({ socketPath, path, timeout: TIMEOUT_MS, ...how }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      // Without a listener this would be the end of nothing: neither "end" nor an error.
      response.on("error", () => reject(new Error(CUT_OFF)));
      response.on("end", () => {
        try {
          resolve({ agent: "answered", status: response.statusCode ?? 0, body: JSON.parse(text) });
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.on("timeout", () =>
      asked.destroy(new Error(`the agent did not answer within ${TIMEOUT_MS / 1000} s`)),
    );
    asked.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve({ agent: "not running" });
      else if (error.code === "EACCES") resolve({ agent: "not allowed" });
      else reject(error.code === "ECONNRESET" ? new Error(CUT_OFF) : error);
    });
    asked.end(body);
  });
}
