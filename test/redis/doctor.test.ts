/** What doctor tells of a Redis, by asking a real one: well, evicting, forgetful, silent, gone. */
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Patient } from "../../src/doctor/patient.ts";
import { redisFindings } from "../../src/doctor/redis.ts";
import { testFolder } from "../support/folder.ts";
import { redisForTests } from "../support/redis.ts";
import { patientWith } from "../unit/doctor/patients.ts";

const server = redisForTests();

const external = (url: string): Patient => ({ ...patientWith(), redis: { kind: "external", url } });
const url = () => `unix://${server.client().options.path}`;

test("a Redis that is as mail needs it is one line, with its version", async () => {
  const [finding, ...more] = await redisFindings(external(url()), false);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/^version \d+\.\d+\.\d+, append-only file, noeviction$/),
  });
});

test("one that evicts and one that keeps nothing are told with the setting", async () => {
  const client = server.client();
  await client.config("SET", "maxmemory-policy", "allkeys-lru");
  await client.config("SET", "appendonly", "no");
  const findings = await redisFindings(external(url()), false);
  expect(findings.map(({ status, found }) => `${status} ${found}`)).toEqual([
    "failed maxmemory-policy is allkeys-lru",
    "warn appendonly is no",
  ]);
});

test("a password that is wanted is told with its key, and one in the URL is not repeated", async () => {
  const client = server.client();
  await client.config("SET", "requirepass", "hidden words");
  await client.call("AUTH", "hidden words");
  const findings = await redisFindings(external(url()), false);
  await client.config("SET", "requirepass", "");
  expect(findings[0]).toMatchObject({
    status: "failed",
    remedy: expect.stringContaining("redis.passwordFile"),
  });
  expect(JSON.stringify(await redisFindings(external("redis://:sesame@127.0.0.1:1"), false))).not.toContain(
    "sesame",
  );
});

test("a server that is not there, and one that says nothing", async () => {
  const folder = await testFolder();
  const gone = await redisFindings(external(`unix://${join(folder, "gone.sock")}`), false);
  expect(gone[0]).toMatchObject({ status: "failed", found: expect.stringContaining("ENOENT") });
  const silent = createServer();
  const path = join(folder, "silent.sock");
  await new Promise<void>((listening) => silent.listen(path, listening));
  const mute = await redisFindings(external(`unix://${path}`), false);
  silent.close();
  expect(mute[0]).toMatchObject({ status: "failed", found: expect.stringContaining("no answer within") });
});

test("the embedded one cannot be told without its agent, but its program is looked for", async () => {
  const patient: Patient = { ...patientWith(), stateDir: await testFolder(), redis: { kind: "embedded" } };
  const [finding] = await redisFindings(patient, false);
  expect(finding).toMatchObject({
    status: "unknown",
    found: expect.stringMatching(/redis-server \d|valkey-server \d/),
  });
});
