import { join } from "node:path";
import { expect, test } from "vitest";
import { effectiveJson, effectiveText } from "../../../src/config/effective.ts";
import { loadPublicConfig } from "../../../src/config/load.ts";
import { folderWith, goodConfig } from "./folder.ts";

function effective(text: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folderWith({ "sluice.yaml": text, password: "correct horse\n" }), "sluice.yaml");
  const result = loadPublicConfig(file, env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return {
    text: effectiveText(file, result.origins),
    json: effectiveJson(result.origins),
    config: result.config,
  };
}

test("each value says where it comes from", () => {
  const { text } = effective(goodConfig, { SLUICE_LOG_LEVEL: "warn" });
  const lines = text.split("\n").map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      "hostname: app01.lab.wisc.edu  # line 1",
      "stateDir: /var/lib/sluice  # default",
      "port: 587  # preset proofpoint-ser",
      "burst: 20  # default: 1 % of perHour",
      "level: warn  # environment SLUICE_LOG_LEVEL",
      "passwordFile: password  # line 6; the password: ****",
    ]),
  );
});

test("what is printed is a config that says the same", () => {
  const extra = `redis: { url: "redis://cache" }
senders: { rewrite: [{ match: "*@x.internal", to: { envelope: bounces@lab.wisc.edu, header: news@lab.wisc.edu } }] }
recipients: { aliases: { root: ops@lab.wisc.edu } }
limits: { messageSize: 5MiB }
`;
  const replies =
    'replies: [{ match: "^550 5\\\\.7.*quota: (x|y)", stage: [dot], means: slow-down, hint: "its limit: reached" }]';
  const upstream = `upstream: { service: proofpoint-ser, ${replies} }`;
  const first = effective(goodConfig.replace("upstream: { service: proofpoint-ser }", upstream) + extra);
  expect(first.json.upstream).toMatchObject({ replies: [{ match: "^550 5\\.7.*quota: (x|y)" }] });
  const second = effective(first.text);
  expect({ ...second.config, file: "" }).toEqual({ ...first.config, file: "" });
  expect(second.json.upstream).toEqual(first.json.upstream);
});

test("JSON has bytes, seconds and sources", () => {
  const { json } = effective(goodConfig);
  expect(json).toMatchObject({
    limits: { messageSize: 5_000_000 },
    retry: { first: 60, expireAfter: 345_600 },
    sources: {
      hostname: "line 1",
      "upstream.port": "preset proofpoint-ser",
      "accounts[0].pace.perHour": "line 10",
    },
  });
});
