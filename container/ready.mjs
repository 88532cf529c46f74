/**
 * The image's health check: does the agent in this container take mail? Exit code 0 or 1, and the answer in words.
 *
 * Asks /readyz over the control socket, so that it holds whatever `http` and `listen` say. Refuses to ask about the
 * upstream: an outage there must not restart what takes mail in.
 */
import { get } from "node:http";
import { controlSocketPath } from "./dist/config/sockets.js";

const socketPath = controlSocketPath("/var/lib/sluice", process.env);

get({ socketPath, path: "/readyz", timeout: 4000 }, (answer) => {
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
  answer.pipe(process.stdout);
})
  .on("timeout", function late() {
    this.destroy(new Error("no answer within 4 s"));
  })
  .on("error", ({ message }) => {
    console.log(`${socketPath}: ${message}`);
    process.exitCode = 1;
  });
