import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testFolder } from "../../support/folder.ts";
import { relayConfig } from "../../support/relay-config.ts";
import { sluice } from "./command-line.ts";

test("queue repolicy --help shows an example", async () => {
  const { code, out } = await sluice("queue", "repolicy", "--help");
  expect(code).toBe(0);
  expect(out).toContain("Examples:\n  sluice queue repolicy --dry-run");
  expect(out).toContain("-c, --config <file>");
});

test("without a running agent nothing is changed, exit code 69", async () => {
  const folder = await testFolder();
  const file = join(folder, "sluice.yaml");
  await writeFile(join(folder, "password"), "secret\n", { mode: 0o600 });
  const upstream = "upstream: { hosts: [relay.example], port: 587, security: starttls }";
  await writeFile(file, relayConfig({ upstream }, { stateDir: join(folder, "state"), upstreamPort: 0 }));
  const { code, out, err } = await sluice("queue", "repolicy", "--dry-run", "-c", file);
  expect({ code, out }).toEqual({ code: 69, out: "" });
  expect(err).toContain(
    "Cannot run policy as the agent is not running: start it with systemctl start sluice, or",
  );
});
