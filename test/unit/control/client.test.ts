import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { askAgent } from "../../../src/control/client.ts";
import { testFolder } from "../../support/folder.ts";

test.each([
  ["in the middle of its answer", '{"rows":'],
  ["before it", ""],
])("an agent that ends %s is an error, not a wait for ever", async (_, said) => {
  const path = join(await testFolder(), "control.sock");
  const server = createServer((_request, response) => {
    if (said === "") return void response.destroy();
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write(said, () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  await expect(askAgent(path, "/api/v1/queue")).rejects.toThrow("the agent ended before it had answered");
});
