import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ControlParts, startControl } from "../../../src/control/server.ts";
import { folderWith, goodConfig } from "../config/folder.ts";
import { sluice } from "./command-line.ts";

async function asked(statusUrl?: ControlParts["statusUrl"]) {
  const folder = folderWith({ "sluice.yaml": `${goodConfig}stateDir: state\n` });
  if (statusUrl) {
    const control = await startControl(join(folder, "state/control.sock"), { statusUrl } as ControlParts);
    onTestFinished(() => control.close());
  }
  return sluice("status-url", "-c", join(folder, "sluice.yaml"));
}

test("prints the link and nothing else", async () => {
  const url = "http://127.0.0.1:8025/login?token=abc";
  expect(await asked(() => ({ url }))).toEqual({ code: 0, out: `${url}\n`, err: "" });
});

test("says why there is none, exit code 69", async () => {
  const error = "there is no status page, as http is off in the config";
  expect(await asked(() => ({ error }))).toEqual({ code: 69, out: "", err: `${error}\n` });
});

test("says that the agent is not running, exit code 69", async () => {
  const { code, err } = await asked();
  expect(code).toBe(69);
  expect(err).toContain("as the agent is not running: start it with systemctl start sluice, or sluice run");
});
