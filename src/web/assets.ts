/**
 * The files of the page, by URL path: read once, served from memory.
 */

const BARE =
  '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>sluice</title>\n<h1>sluice</h1>\n</html>\n';

export async function loadAssets(): Promise<
  ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>
> {
  return new Map([["/", { type: "text/html; charset=utf-8", body: Buffer.from(BARE) }]]);
}
