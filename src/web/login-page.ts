/**
 * What a person sees who is not logged in, and the cookie of one who is.
 *
 * Promises: the cookie is out of reach of scripts, is sent by no other site, and has the port in its name, since browsers
 * share cookies between the ports of a machine: two installations do not log each other out.
 */

const REMEDY = "<p>On the machine where sluice runs, run: <code>sluice status-url</code></p>";

/** The pages have no style: the content security policy allows none but the page's own file. */
function page(sentence: string, rest: string): string {
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    "<title>sluice</title>",
    "<h1>sluice</h1>",
    `<p>${sentence}</p>`,
    rest,
    "</html>",
    "",
  ].join("\n");
}

export const LOGIN_NEEDED = page("This page shows mail: it needs a login.", REMEDY);
export const LOGIN_FAILED = page(
  "This link is not good: it was used before, or it is older than ten minutes.",
  REMEDY,
);
/** Goes on to the page by itself. */
export const LOGGED_IN = page(
  'You are logged in: <a href="/">the status page</a>',
  '<meta http-equiv="refresh" content="0; url=/">',
);

export function cookieOf(session: string, port: number): string {
  return `${nameFor(port)}=${session}; HttpOnly; SameSite=Strict; Path=/`;
}

/** The session that a Cookie field names, whether it is one or not. */
export function sessionIn(cookies: string | undefined, port: number): string | undefined {
  const start = `${nameFor(port)}=`;
  return cookies
    ?.split(";")
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(start))
    ?.slice(start.length);
}

function nameFor(port: number): string {
  return `sluice-${port}`;
}
