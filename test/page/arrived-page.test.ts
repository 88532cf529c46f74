/** The simulator's page of arrived mail in a real browser: mail goes in by SMTP, and is looked at. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import type Mail from "nodemailer/lib/mailer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Page as ArrivedPage, servePage } from "../../src/sandbox/page.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/simulator.ts";
import { loadArrivedAssets } from "../../src/web/assets.ts";
import { Chromium, hasChromium } from "./chromium.ts";

const PASSWORD = "correct horse";

describe.skipIf(!hasChromium())("arrived mail", () => {
  let dir: string;
  let sandbox: Sandbox;
  let arrived: ArrivedPage;
  let chromium: Chromium;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sluice-page-"));
    sandbox = await startSandbox({
      starttlsPort: 0,
      tlsPort: 0,
      dir,
      username: "sandbox",
      password: PASSWORD,
    });
    arrived = await servePage({
      source: sandbox,
      assets: await loadArrivedAssets(),
      host: "127.0.0.1",
      port: 0,
    });
    chromium = await Chromium.start();
  });
  afterAll(async () => {
    await chromium.close();
    await arrived.close();
    await sandbox.close();
    await rm(dir, { recursive: true });
  });

  async function send(message: Mail.Options): Promise<void> {
    const transport = createTransport({
      ...{ host: "127.0.0.1", port: sandbox.tlsPort, secure: true },
      tls: { ca: sandbox.ca, servername: "localhost" },
      auth: { user: "sandbox", pass: PASSWORD },
    });
    await transport.sendMail({ from: "portal@lab.example", to: "dean@lab.example", ...message });
    transport.close();
  }

  test("appears while one looks, newest first, and shows head and text of one", async () => {
    const { page, faults } = await chromium.open(arrived.url);
    await page.getByText("Nothing has arrived yet.").waitFor();
    await send({ subject: "Nightly report", text: "All 42 jobs finished.\n" });
    await send({
      subject: "Timetable",
      text: "Moved to room 7.\n",
      to: ["a@lab.example", "b@lab.example", "c@lab.example"],
    });
    const rows = page.locator("#list-rows tr");
    await rows.nth(1).waitFor();
    expect(await rows.first().textContent()).toMatch(
      /Timetable.*a@lab\.example, b@lab\.example and 1 more.*TLSv1\.3/,
    );
    await page.locator("#list-rows a", { hasText: "Nightly report" }).click();
    await page.locator("#message-text pre", { hasText: "All 42 jobs finished." }).waitFor();
    expect(await page.locator("#message-head").textContent()).toMatch(/^From: portal@lab\.example$/m);
    await page.keyboard.press("Escape");
    await rows.first().waitFor();
    expect(faults).toEqual([]);
    await chromium.closePages();
  });

  test.each([1200, 360])(
    "shows what is hostile as text, and HTML not at all, at %i pixels",
    async (width) => {
      const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>';
      await send({
        subject: `${evil} \u202egpj.exe ${"long".repeat(90)}`,
        text: evil,
        html: `<h1>HTML</h1>${evil}`,
      });
      const { page, faults } = await chromium.open(arrived.url, { width, scheme: "dark" });
      await page
        .locator("#list-rows a", { hasText: `${evil} \\u202egpj.exe` })
        .first()
        .click();
      await page.locator("#message-text pre", { hasText: evil }).waitFor();
      await page.getByText("which is not shown").waitFor();
      expect(await page.locator("main script, main img, main h1:has-text('HTML')").count()).toBe(0);
      const sideways = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
      expect(await page.evaluate(sideways)).toBe(0);
      expect(await page.evaluate(() => "pwned" in window)).toBe(false);
      expect(faults).toEqual([]);
      await page.goto(`${arrived.url}#home`);
      await page.locator("#list-rows tr").first().waitFor();
      await chromium.closePages();
    },
  );
});
