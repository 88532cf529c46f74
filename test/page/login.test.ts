/** The login in a real browser: what it makes of our cookie is its own to say. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { pageServer } from "../wire/web/page-server.ts";
import { Chromium, hasChromium } from "./chromium.ts";

test.skipIf(!hasChromium())("a link on another site's page logs in too", async () => {
  const { web } = await pageServer();
  const elsewhere = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end(`<a href="${web.statusUrl()}">look</a>`);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void elsewhere.close());
  const chromium = await Chromium.start();
  onTestFinished(() => chromium.close());
  const { port } = elsewhere.address() as AddressInfo;
  const { page } = await chromium.open(`http://localhost:${port}/`);
  await page.locator("a").click();
  await page.locator("#flow").waitFor({ state: "attached" });
  expect(page.url()).toBe(`http://${web.address}/`);
});
