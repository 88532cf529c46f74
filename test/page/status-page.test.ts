/** The status page in a real browser, under the strict policy, against lively and hostile answers. */
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadAssets } from "../../src/web/assets.ts";
import { until } from "../support/until.ts";
import { Chromium, hasChromium, type Look, type Opened } from "./chromium.ts";
import { PageServer, type PageWorld } from "./server.ts";
import { broken, HOSTILE, hostile, lively, quiet } from "./worlds.ts";

const BROWSER = hasChromium();
const WAITING = "06k3t00000000a";
const HELD = "06k3t00000011a";

let chromium: Chromium;
let server: PageServer;

beforeAll(async () => {
  if (BROWSER) chromium = await Chromium.start();
});
afterEach(async () => {
  await chromium?.closePages();
  await server?.close();
});
afterAll(() => chromium?.close());

async function open(world: PageWorld, hash = "", look: Look = {}): Promise<Opened> {
  server = await PageServer.start(world);
  const opened = await chromium.open(`${server.url}${hash}`, look);
  await opened.page.locator('#live:has-text("live")').waitFor();
  return opened;
}

async function shows(place: Locator, text: string): Promise<void> {
  await place.filter({ hasText: text }).first().waitFor();
}

const sidewaysScroll = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("all that the page loads is under 200 KB", async () => {
  const sizes = [...(await loadAssets()).values()].map(({ body }) => body.length);
  expect(sizes.length).toBeGreaterThan(10);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
});

describe.skipIf(!BROWSER)("looked at", () => {
  test.each([
    ["light", 1200],
    ["dark", 1200],
    ["light", 360],
    ["dark", 360],
  ] as const)("in %s at %i pixels it is whole, readable, and asks nobody else", async (scheme, width) => {
    const { page, faults } = await open(lively(), "", { scheme, width });
    await shows(page.locator("#flow-verdict"), "Mail is flowing");
    await shows(page.locator("#waiting-rows tr"), "the hour's budget of portal is used up");
    await shows(page.locator("#failures-list li"), "550 5.1.1 <former.student@lab.example>");
    await shows(page.locator("#accounts-list li"), "960 of 1,000 this hour");
    expect(await page.locator("#hours-chart canvas, #year-chart canvas").count()).toBe(2);
    expect(await sidewaysScroll(page)).toBe(0);
    expect(await faintText(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("no mail at all is said in words", async () => {
    const { page, faults } = await open(quiet());
    await shows(page.locator("#waiting-empty"), "Nothing waits.");
    await shows(page.locator("#hours-empty"), "No mail in the last 24 hours.");
    await shows(page.locator("#failures-empty"), "No failures.");
    expect(await page.locator("#year").isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });

  test("when mail does not flow it says why and when the next probe is", async () => {
    const { page } = await open(broken(), "", { scheme: "dark", width: 360 });
    await shows(page.locator("#flow-verdict"), "Mail is not flowing");
    await shows(page.locator("#flow-reasons li"), "535 5.7.8 Error: authentication failed");
    await shows(page.locator("#flow-reasons .probe"), "next probe 14:33:40");
    await shows(page.locator("#accounts-list li"), "2,140 of 2,000 this hour: over the cap");
    expect(await faintText(page)).toEqual([]);
    expect(await sidewaysScroll(page)).toBe(0);
  });

  test("a chart is read with the arrow keys", async () => {
    const { page } = await open(lively());
    await page.locator("#hours-chart").focus();
    await page.keyboard.press("End");
    await shows(page.locator("#hours-readout"), "14:00–15:00 · ");
    await page.keyboard.press("ArrowLeft");
    await shows(page.locator("#hours-readout"), "13:00–14:00 · ");
    await page.locator("#year-chart").focus();
    await page.keyboard.press("Home");
    await shows(page.locator("#year-readout"), "5,000,000 left");
  });

  test("the theme is chosen, remembered, and the only thing remembered", async () => {
    const { page } = await open(lively(), `#message/${WAITING}`);
    await page.locator("#theme").click();
    await page.locator("#theme").click();
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.reload();
    await page.locator("html[data-theme=dark]").waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(JSON.parse(kept)).toEqual([{ "sluice-theme": "dark" }, {}]);
  });
});

describe.skipIf(!BROWSER)("a stranger's text", () => {
  test.each([1200, 360])("is text and nothing else, at %i pixels", async (width) => {
    const { page, faults } = await open(hostile(), "", { width });
    for (const place of ["#flow-reasons", "#failures-list", "#accounts-list", "#waiting-rows", "#programs"]) {
      for (const evil of [HOSTILE.script, HOSTILE.image, HOSTILE.entity])
        await shows(page.locator(place), evil);
      await shows(page.locator(place), "exe.\\u202egpj.invoice@lab.example");
    }
    expect(await page.locator("main script, main img, main a:not([href^='#'])").count()).toBe(0);
    expect(await page.evaluate(() => document.body.textContent?.includes("\u202e"))).toBe(false);
    expect(await sidewaysScroll(page)).toBe(0);
    for (const n of [0, 1, 2, 3, 4]) {
      await page.goto(`${server.url}#message/06k3t0000000${n}a`);
      await shows(page.locator("#message-id"), `06k3t0000000${n}a`);
      expect(await sidewaysScroll(page)).toBe(0);
    }
    await page.goto(`${server.url}#search/${encodeURIComponent(HOSTILE.script)}`);
    await shows(page.locator("#found-term"), HOSTILE.script);
    await shows(page.locator("#found-list"), HOSTILE.image);
    expect(await page.evaluate(() => "pwned" in window)).toBe(false);
    expect(faults).toEqual([]);
  });

  test("that got in as markup would be caught: by the policy, and by this test", async () => {
    const { page, faults } = await open(lively());
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.pwned = 3";
      document.body.append(script);
      const image = document.createElement("img");
      image.src = "http://127.0.0.2:9/x.png";
      document.body.append(image);
    });
    await until("both are reported", () => faults.length >= 2);
    expect(faults.join()).toMatch(/Content Security Policy/);
    expect(await page.evaluate(() => "pwned" in window)).toBe(false);
  });
});

describe.skipIf(!BROWSER)("an operator", () => {
  test("is asked before anything is done, and told what came of it", async () => {
    const { page, faults } = await open(lively(), `#message/${WAITING}`);
    await page.locator('[data-verb="hold"]').click();
    await shows(page.locator("#ask-message"), WAITING);
    await page.keyboard.press("Escape");
    await page.locator("#ask").waitFor({ state: "hidden" });
    expect(posts()).toEqual([]);
    await page.locator('[data-verb="hold"]').click();
    await page.locator("#ask-reason").fill("asked by the dean");
    await page.keyboard.press("Enter");
    await shows(page.locator("#said"), `${WAITING} was waiting, is held`);
    const [post] = posts();
    expect(post).toMatchObject({
      path: `/api/v1/queue/${WAITING}/hold`,
      body: '{"reason":"asked by the dean"}',
    });
    expect(post?.headers).toMatchObject({ "x-sluice": "1", "content-type": "application/json" });
    await page.locator('[data-verb="release"]').waitFor();
    expect(await verbs(page)).toEqual(["release", "bounce", "delete"]);
    expect(faults).toEqual([]);
  });

  test("has to mean it to delete, and is told when the agent refuses", async () => {
    const { page } = await open(
      { ...lively(), refusal: "it is in a session now: ask again" },
      `#message/${HELD}`,
    );
    await page.locator('[data-verb="delete"]').click();
    expect(await page.locator(":focus").textContent()).toBe("Cancel");
    await page.locator("#ask-confirm").click();
    await shows(page.locator("#ask-problem"), "Not done: it is in a session now: ask again");
    delete server.world.refusal;
    await page.locator("#ask-confirm").click();
    await shows(page.locator("#said"), "is deleted");
    await shows(page.locator("#message-summary"), "the journal knows nothing of it");
    expect(await verbs(page)).toEqual([]);
  });

  test("gets from the overview to a message and back by keyboard alone", async () => {
    const { page, faults } = await open(lively());
    await page.locator("#waiting-rows tr").first().waitFor();
    const first = page.locator(`a[href="#message/${WAITING}"]`).last();
    await first.focus();
    await page.keyboard.press("Enter");
    await shows(page.locator("#message-id"), WAITING);
    expect(await page.locator(":focus").getAttribute("id")).toBe("message-title");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Retry now…");
    await page.keyboard.press("Escape");
    await page.locator("#home").waitFor();
    expect(await page.locator(":focus").getAttribute("href")).toBe(`#message/${WAITING}`);
    await page.keyboard.press("/");
    expect(await page.locator(":focus").getAttribute("id")).toBe("term");
    await page.keyboard.type("root@build7.internal");
    await page.keyboard.press("Enter");
    await shows(
      page.locator("#found-list"),
      "550 5.7.1 From <root@build7.internal> is not an allowed sender",
    );
    expect(faults).toEqual([]);
  });

  test("finds what was delivered by its Message-ID, and its life from a link", async () => {
    const { page } = await open(lively(), "#search/%3C914%40app01.internal%3E");
    await shows(page.locator("#found-list"), "250 2.0.0 Ok: queued as 4XyZ1");
    await page.locator("#found-list a.id").click();
    await shows(page.locator("#message-state"), "delivered");
    await shows(page.locator("#message-life"), "2 s after it was accepted");
    expect(await verbs(page)).toEqual([]);
  });

  test("waits for what is found in a large queue, however much happens meanwhile, and asks once at a time", async () => {
    const { page } = await open({ ...lively(), slices: { empty: 5, eachMs: 650 } });
    let startedAt = 0;
    const busy = setInterval(() => {
      const { overview } = server.world;
      server.tell("overview", { ...overview, startedAt: new Date(++startedAt).toISOString() });
    }, 500);
    try {
      await shows(page.locator("#waiting-rows tr"), WAITING);
      await page.locator('#filters [name="sender"]').fill("nobody");
      await shows(page.locator("#waiting-empty"), "Nothing in the queue is like that.");
      // The one that the reader asked may overlap with the one that it ends.
      expect(server.mostAtOnce).toBeLessThanOrEqual(2);
    } finally {
      clearInterval(busy);
    }
  });

  test("sees a page of a thousand at a time, and filters them", async () => {
    const { page } = await open(hostile());
    const rows = page.locator("#waiting-rows tr");
    await rows.first().waitFor();
    expect(await rows.count()).toBe(50);
    await page.locator("#waiting-next").click();
    await shows(rows, "06k3t00000050a");
    await page.locator("#waiting-first").click();
    await shows(rows, "06k3t00000000a");
    await page.locator("#states button", { hasText: "held" }).click();
    await until("only held rows are shown", async () => {
      const badges = await page.locator("#waiting-rows .badge").allTextContents();
      return badges.length === 50 && badges.every((text) => text === "held");
    });
    await page.locator("#filters [name=recipient]").fill("nobody@nowhere.example");
    await shows(page.locator("#waiting-empty"), "Nothing in the queue is like that.");
    await page.locator("#filters-reset").click();
    await shows(rows, "06k3t00000000a");
  });
});

describe.skipIf(!BROWSER)("what arrives while somebody reads", () => {
  test("moves neither focus nor selection nor scroll", async () => {
    const { page, faults } = await open(lively());
    const link = page.locator(`#waiting-rows a[href="#message/06k3t00000012a"]`);
    await link.focus();
    await page.evaluate(() => {
      document.querySelector("#waiting-rows tr:nth-child(14)")?.scrollIntoView();
      const words = document.querySelector("#waiting-rows tr:nth-child(14) .sender");
      if (words) getSelection()?.selectAllChildren(words);
    });
    const before = await page.evaluate(() => [scrollY, String(getSelection())]);
    const { world } = server;
    world.rows = world.rows
      .filter(({ id }) => id !== "06k3t00000033a")
      .map((row) => ({ ...row, age: row.age + 60 }));
    world.overview = {
      ...world.overview,
      queue: { ...world.overview.queue, states: { ...world.overview.queue.states, incoming: 4711 } },
    };
    server.tell();
    await shows(page.locator("#states"), "4,711");
    await page.locator('a[href="#message/06k3t00000033a"]').waitFor({ state: "detached" });
    expect(await page.evaluate(() => [scrollY, String(getSelection())])).toEqual(before);
    expect(await page.locator(":focus").getAttribute("href")).toBe("#message/06k3t00000012a");
    expect(faults).toEqual([]);
  });

  test("changes the message that one looks at", async () => {
    const { page } = await open(lively(), `#message/${WAITING}`);
    await page.locator('[data-verb="retry"]').focus();
    const facts = await page.locator("#message-facts dd").first().elementHandle();
    const detail = server.world.details.get(WAITING);
    const later = { age: 86_399, reason: "452 4.2.2 over quota", nextAttempt: "2026-11-24T23:59:59.000Z" };
    if (detail) server.world.details.set(WAITING, { ...detail, ...later });
    server.tell();
    await shows(page.locator("#message-summary"), "452 4.2.2 over quota");
    // What did not change is where it was: a button with the focus, text that is selected.
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-verb"))).toBe("retry");
    expect(await facts?.evaluate((one) => one.isConnected)).toBe(true);
    server.world.details.delete(WAITING);
    server.tell("fact", { id: WAITING });
    await shows(page.locator("#message-state"), "unknown");
  });

  test("a row that goes leaves the focus on the one in its place", async () => {
    const { page } = await open(lively());
    await page.locator(`#waiting-rows a[href="#message/06k3t00000012a"]`).focus();
    server.world.rows = server.world.rows.filter(({ id }) => id !== "06k3t00000012a");
    server.tell("fact", { at: new Date().toISOString(), event: "delivered", id: "06k3t00000012a" });
    await page.locator('a[href="#message/06k3t00000012a"]').waitFor({ state: "detached" });
    expect(await page.locator(":focus").getAttribute("href")).toBe("#message/06k3t00000013a");
  });

  test("an agent that is away is said so, and the page finds it again by itself", async () => {
    const { page } = await open(lively());
    await server.close();
    await shows(page.locator("#live"), "reconnecting");
    await shows(page.locator("#flow-verdict"), "No word from sluice");
    await shows(page.locator("#flow-words"), "as of 14:26:40");
    await server.listen();
    await shows(page.locator("#live"), "live");
    await shows(page.locator("#flow-verdict"), "Mail is flowing");
  });

  test("an agent that has no room for another stream is asked, and is not said to be silent", async () => {
    server = await PageServer.start({ ...lively(), isFull: true });
    const { page } = await chromium.open(server.url);
    const asked = () => server.asked.filter(({ path }) => path === "/api/v1/overview").length;
    await until("it was asked long enough to be silent", () => asked() >= 4);
    await shows(page.locator("#flow-verdict"), "Mail is flowing");
  });

  test("a page that nobody sees leaves its connection to the others, and listens again when it is seen", async () => {
    const { page } = await open(lively());
    const setHidden = (isHidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await setHidden(true);
    await until("it listens no more", () => server.listening === 0);
    await until("it asked once", () => server.asked.some(({ path }) => path === "/api/v1/overview"));
    await shows(page.locator("#flow-verdict"), "Mail is flowing");
    await setHidden(false);
    await until("it listens", () => server.listening === 1);
    await shows(page.locator("#live"), "live");
  });

  test("a stream on which nothing comes, not even a heartbeat, is opened anew", async () => {
    const { page } = await open(lively());
    await page.clock.install();
    await page.addInitScript(() => {
      globalThis.EventSource = class extends EventSource {
        constructor(url: string | URL) {
          super(url);
          this.addEventListener("heartbeat", () => document.body.setAttribute("data-heard", "heartbeat"));
        }
      };
    });
    await page.reload();
    await shows(page.locator("#live"), "live");
    const opened = () => server.asked.filter(({ path }) => path === "/api/v1/events").length;
    await page.clock.fastForward(30_000);
    server.tell("heartbeat", {});
    await page.locator("body[data-heard]").waitFor();
    await page.clock.fastForward(30_000);
    expect(opened()).toBe(2);
    await page.clock.fastForward(15_000);
    await until("it is opened anew", () => opened() === 3);
    await shows(page.locator("#live"), "live");
  });

  test("a login that is over says how to get another", async () => {
    const { page } = await open(lively(), `#message/${WAITING}`);
    await page.locator('[data-verb="bounce"]').click();
    server.world.loggedIn = false;
    await server.close();
    await server.listen();
    await shows(page.locator("#logged-out"), "sluice status-url");
    expect(await page.locator("#ask, #message, #home").filter({ visible: true }).count()).toBe(0);
    await page.goto(`${server.url}#home`);
    await page.locator('body[data-view="logged-out"]').waitFor();
    expect(await page.locator("#home").isVisible()).toBe(false);
  });
});

const posts = () => server.asked.filter(({ method }) => method === "POST");

function verbs(page: Page): Promise<(string | null)[]> {
  return page
    .locator("[data-verb]")
    .evaluateAll((buttons) => buttons.map((one) => one.getAttribute("data-verb")));
}

/** Text whose contrast is below 4.5 (WCAG 2.2, 1.4.3) against what is painted behind it. */
function faintText(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour: string) => {
      const [r = 0, g = 0, b = 0] = channels(colour).map((c) => {
        const share = c / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): string => {
      if (!element) return "rgb(255, 255, 255)";
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
    };
    const hasText = (element: Element) =>
      element.checkVisibility() &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    const faint: string[] = [];
    for (const element of document.querySelectorAll("body *")) {
      if (!hasText(element)) continue;
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5) faint.push(`${element.tagName} ${element.className} ${contrast.toFixed(2)}`);
    }
    return faint;
  });
}
