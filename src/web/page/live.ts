/**
 * The page's ear: server-sent events, and what to do when they stop.
 *
 *     connecting ──▶ live ──▶ reconnecting ──▶ live …
 *          └───────────┴────────────┴────────▶ logged out   (nothing leads out: a new login is a new page)
 *
 * Promises: after a loss it tries again, at most 3 seconds apart, for as long as the page is open; a stream on which not
 * even a heartbeat comes is lost (a machine that slept, a tunnel that hangs). Where the agent answers and has no room for
 * another stream, the overview is asked for instead; so it is, every 30 seconds, while nobody sees the page: a browser opens
 * six connections to a server, and six pages with a stream each would leave none to ask or act by.
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
const HIDDEN_WAIT_MS = 30_000;
/** The agent says something every 15 seconds. */
const QUIET_MS = 40_000;

/** Listens until the page is closed. */
export function follow(listener: Listener): void {
  let waitMs = FIRST_WAIT_MS;
  let isOver = false;
  let hangUp: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = () => {
    hangUp?.();
    hangUp = undefined;
  };
  const openIn = (inMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(open, inMs);
  };
  const open = async () => {
    close();
    if (document.hidden) {
      isOver = !(await look(listener));
      if (!isOver) openIn(HIDDEN_WAIT_MS);
      return;
    }
    const began = () => {
      waitMs = FIRST_WAIT_MS;
    };
    hangUp = listen(listener, began, async () => {
      close(); // the browser's own retry knows nothing of logins, and gives up on some answers
      listener.onState("reconnecting");
      isOver = !(await look(listener));
      if (isOver || hangUp) return;
      openIn(waitMs);
      waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!isOver) openIn(0);
  });
  listener.onState("connecting");
  void open();
}

/** Opens a stream; what is given back closes it. */
function listen(
  { onState, onOverview, onFact }: Listener,
  onBegan: () => void,
  onLost: () => void,
): () => void {
  const events = new EventSource("/api/v1/events");
  let quiet = setTimeout(onLost, QUIET_MS);
  const heard = () => {
    clearTimeout(quiet);
    quiet = setTimeout(onLost, QUIET_MS);
  };
  events.onopen = () => {
    onBegan();
    onState("live");
  };
  events.addEventListener("overview", ({ data }) => onOverview(JSON.parse(data)));
  events.addEventListener("fact", ({ data }) => onFact(JSON.parse(data)));
  for (const event of ["open", "overview", "fact", "heartbeat"]) events.addEventListener(event, heard);
  events.onerror = onLost;
  return () => {
    clearTimeout(quiet);
    events.close();
  };
}

/** Asks once, as a stream does not tell its status; false when the login is over. */
async function look({ onState, onOverview }: Listener): Promise<boolean> {
  const heard = await overview().catch((error: Error) => error);
  if (heard instanceof LoggedOut) onState("logged out");
  else if (heard instanceof Error) onState("reconnecting");
  else onOverview(heard);
  return !(heard instanceof LoggedOut);
}
