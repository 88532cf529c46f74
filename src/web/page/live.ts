/**
 * The page's ear: server-sent events, and what to do when they stop.
 *
 *     connecting ──▶ live ──▶ reconnecting ──▶ live …
 *          └───────────┴────────────┴────────▶ logged out   (nothing leads out: a new login is a new page)
 *
 * Promises: after a loss it tries again, at most 3 seconds apart, for as long as the page is open.
 */
import { LoggedOut, type Overview, overview } from "./api.ts";

export type LiveState = "connecting" | "live" | "reconnecting" | "logged out";

/** Something happened to a message. */
export interface LiveFact {
  /** Queue id; null for what never had one. */
  readonly id: string | null;
}

export interface Listener {
  readonly onOverview: (overview: Overview) => void;
  readonly onFact: (fact: LiveFact) => void;
  readonly onState: (state: LiveState) => void;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 3000;

/** Listens until the page is closed. */
export function follow(listener: Listener): void {
  let waitMs = FIRST_WAIT_MS;
  const open = () => {
    const events = new EventSource("/api/v1/events");
    events.onopen = () => {
      waitMs = FIRST_WAIT_MS;
      listener.onState("live");
    };
    events.addEventListener("overview", ({ data }) => listener.onOverview(JSON.parse(data)));
    events.addEventListener("fact", ({ data }) => listener.onFact(JSON.parse(data)));
    events.onerror = async () => {
      events.close(); // the browser's own retry knows nothing of logins, and gives up on some answers
      const isOver = await isLoggedOut();
      listener.onState(isOver ? "logged out" : "reconnecting");
      if (isOver) return;
      setTimeout(open, waitMs);
      waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
    };
  };
  listener.onState("connecting");
  open();
}

/** An event stream does not tell its status. */
async function isLoggedOut(): Promise<boolean> {
  try {
    await overview();
    return false;
  } catch (error) {
    return error instanceof LoggedOut;
  }
}
