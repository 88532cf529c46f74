/**
 * What the address bar's hash says: `#message/ID`, `#search/TERM`, or nothing for the overview.
 *
 * Promises: pure; what `hashOf` writes, `routeOf` reads; anything else is the overview.
 */
export type Route =
  | { readonly view: "home" }
  | { readonly view: "message"; readonly id: string }
  | { readonly view: "search"; readonly term: string };

export function routeOf(hash: string): Route {
  const [, view, rest = ""] = /^#(message|search)\/(.+)$/.exec(hash) ?? [];
  const said = decoded(rest).trim();
  if (said === "") return { view: "home" };
  return view === "message" ? { view, id: said } : { view: "search", term: said };
}

export function hashOf(route: Route): string {
  if (route.view === "home") return "#home";
  return `#${route.view}/${encodeURIComponent(route.view === "message" ? route.id : route.term)}`;
}

/** A hash that somebody mistyped is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
