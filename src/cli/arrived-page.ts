/**
 * The simulator's page of arrived mail, as `sluice sandbox` and the demo open it.
 *
 * Promises: an address that was asked for is used or refused; without one it is a port of its own, or any free one.
 */
import { type Page, servePage } from "../sandbox/page.ts";
import type { Sandbox } from "../sandbox/simulator.ts";
import { loadArrivedAssets } from "../web/assets.ts";

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

const USUAL: HttpAddress = { host: "127.0.0.1", port: 8026 };

/** `HOST:PORT`, `[IPv6]:PORT`; undefined when it is no such thing. */
export function parseHttpAddress(text: string): HttpAddress | undefined {
  const [, ipv6, name, digits] = /^(?:\[([\da-f:]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Listens; rejects with a sentence when it cannot. */
export async function openArrivedPage(source: Sandbox, address?: HttpAddress): Promise<Page> {
  const assets = await loadArrivedAssets();
  if (address) return servePage({ source, assets, ...address });
  return servePage({ source, assets, ...USUAL }).catch(() =>
    servePage({ source, assets, ...USUAL, port: 0 }),
  );
}
