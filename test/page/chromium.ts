/**
 * A real Chromium for the pages: one for a file of tests, a context of its own for each page.
 *
 * Promises: what a page must never do is collected in `faults`: console errors, broken policies, uncaught exceptions,
 * requests to another origin.
 */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Where there is none, tests with a browser are skipped, and this says so; CI demands it. */
export function hasChromium(): boolean {
  const isThere = existsSync(CHROMIUM);
  if (!isThere && process.env.SLUICE_REQUIRE_CLIENTS === "1")
    throw new Error(`Cannot test the pages as there is no ${CHROMIUM}: apt-get install chromium`);
  if (!isThere) console.warn(`SKIPPED: the pages in a browser, as there is no ${CHROMIUM}`);
  return isThere;
}

export interface Look {
  readonly scheme?: "light" | "dark";
  /** CSS pixels. */
  readonly width?: number;
}

export interface Opened {
  readonly page: Page;
  readonly faults: string[];
}

export class Chromium {
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<Chromium> {
    return new Chromium(await chromium.launch({ executablePath: CHROMIUM, args: FLAGS }));
  }

  /** Opens a page in a context of its own. */
  async open(url: string, { scheme = "light", width = 1200 }: Look = {}): Promise<Opened> {
    const context = await this.#browser.newContext({
      viewport: { width, height: 800 },
      colorScheme: scheme,
      timezoneId: "UTC",
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const faults: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
    page.on("request", (request) => {
      const asked = request.url();
      if (!asked.startsWith(new URL(url).origin) && !asked.startsWith("data:"))
        faults.push(`elsewhere: ${asked}`);
    });
    await page.goto(url);
    return { page, faults };
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
