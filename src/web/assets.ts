/**
 * What a browser loads for the status page, and for the simulator's page: a fixed list of files, read once.
 *
 * Promises: nothing is served that is not in these lists, whatever path is asked for; together under 200 KB.
 * Refuses, with a sentence, when the page is not built: it is compiled to dist/web/page, from src/ too.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export interface Asset {
  /** Its content type. */
  readonly type: string;
  readonly body: Buffer;
}

/** By URL path. */
export type Assets = ReadonlyMap<string, Asset>;

/** Two folders up is the project, from src/web as from dist/web. */
const BUILT = new URL("../../dist/web/page/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Both pages stand on these. */
const COMMON = ["style.css", "message.css", "theme.js", "dom.js", "format.js"];
const STATUS = [
  "overview.css",
  ...[
    "main.js",
    "api.js",
    "live.js",
    "route.js",
    "flow.js",
    "chart.js",
    "hours.js",
    "year.js",
    "burn-down.js",
  ],
  ...["accounts.js", "programs.js", "filters.js", "waiting.js", "queue-row.js", "failures.js"],
  ...["search.js", "message.js", "life.js", "steps.js", "verbs.js", "ask.js"],
];
const ARRIVED = ["arrived.js"];

/** Everything of the status page. Rejects when a file is missing. */
export async function loadAssets(): Promise<Assets> {
  const { resolve } = createRequire(import.meta.url);
  return load([
    ["/", fileURLToPath(new URL("index.html", BUILT))],
    ...built([...COMMON, ...STATUS]),
    ["/uplot.js", resolve("uplot/dist/uPlot.iife.min.js")],
    ["/uplot.css", resolve("uplot/dist/uPlot.min.css")],
  ]);
}

/** Everything of the simulator's page of arrived mail. Rejects when a file is missing. */
export async function loadArrivedAssets(): Promise<Assets> {
  return load([["/", fileURLToPath(new URL("arrived.html", BUILT))], ...built([...COMMON, ...ARRIVED])]);
}

type Place = readonly [urlPath: string, file: string];

function built(names: readonly string[]): Place[] {
  const page = names.map((name): Place => [`/page/${name}`, fileURLToPath(new URL(name, BUILT))]);
  return [...page, ["/icon.svg", fileURLToPath(new URL("icon.svg", BUILT))]];
}

async function load(places: readonly Place[]): Promise<Assets> {
  const entries = places.map(async ([path, file]) => [path, await asset(file)] as const);
  return new Map(await Promise.all(entries));
}

async function asset(file: string): Promise<Asset> {
  try {
    return {
      type: TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream",
      body: await readFile(file),
    };
  } catch (error) {
    throw new Error(
      `Cannot load the page as ${file} cannot be read (npm run build makes it): ${(error as Error).message}`,
    );
  }
}
