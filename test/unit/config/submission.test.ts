import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPublicConfig } from "../../../src/config/load.ts";
import { readSubmission } from "../../../src/config/submission.ts";
import { folderWith, goodConfig } from "./folder.ts";

function read(text: string, env: NodeJS.ProcessEnv = {}) {
  return readSubmission(join(folderWith({ "sluice.yaml": text }), "sluice.yaml"), env);
}

test.each<[string, string, NodeJS.ProcessEnv]>([
  ["the defaults", "", {}],
  [
    "what the file says",
    'listen: { addresses: ["127.0.0.1:2525", "[::1]:25"] }\nlimits: { messageSize: 5MiB }\n',
    {},
  ],
  [
    "what the environment says",
    'listen: { addresses: ["127.0.0.1:2525"] }\n',
    { SLUICE_LISTEN: "127.0.0.1:26, 127.0.0.1:27" },
  ],
])("sendmail goes by the same as the agent: %s", (_, text, env) => {
  const file = join(folderWith({ "sluice.yaml": `${goodConfig}\n${text}` }), "sluice.yaml");
  const loaded = loadPublicConfig(file, env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  expect(readSubmission(file, env)).toEqual({
    ok: true,
    addresses: loaded.config.listen.addresses,
    messageSizeBytes: loaded.config.limits.messageSizeBytes,
  });
});

test("a mistake elsewhere does not stop mail", () => {
  expect(read('lissten: 1\naccounts: no\nlisten: { addresses: ["127.0.0.1:2525"] }')).toMatchObject({
    ok: true,
    addresses: [{ host: "127.0.0.1", port: 2525 }],
  });
});

test("a port that the system chooses is none to connect to", () => {
  expect(read('listen: { addresses: ["127.0.0.1:0", "127.0.0.1:2525"] }')).toMatchObject({
    addresses: [{ port: 2525 }],
  });
});

test.each([
  ["listen: [", "cannot be read"],
  ['listen: { addresses: ["127.0.0.1:0"] }', "names no address"],
  ["listen: { addresses: here }", "names no address"],
  ["limits: { messageSize: big }", "is not a size"],
])("%j is refused with a sentence", (text, problem) => {
  expect(read(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
});

test("a file that is not there is refused by its name", () => {
  expect(readSubmission("/nonexistent/sluice.yaml", {})).toEqual({
    ok: false,
    problem: expect.stringContaining("/nonexistent/sluice.yaml"),
  });
});
