/**
 * Worlds for the status page: a lively day, a hostile one, a quiet one, a broken one. Addresses under lab.example.
 * Made from a seed, so that a picture taken twice is the same.
 */
import type {
  AccountOverview,
  FailureOverview,
  HourOverview,
  Overview,
  YearOverview,
} from "../../src/control/overview.ts";
import type { QueueDetail, QueueRow, ShownState } from "../../src/control/queue-view.ts";
import type { PageWorld } from "./server.ts";

export const NOW = new Date("2026-11-24T14:26:40Z").getTime();

/** What must come out as these very characters, and as nothing else. */
export const HOSTILE = {
  script: "<script>window.pwned=1</script>",
  image: '"><img src=x onerror="window.pwned=2">',
  override: "exe.\u202egpj.invoice@lab.example",
  long: `${"Donaudampfschifffahrt".repeat(40)}@lab.example`,
  entity: `&lt;b&gt; &amp; {{7*7}} $${"{alert(1)}"} javascript:alert(1)`,
} as const;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const queueId = (n: number) => `06k3t${String(n).padStart(8, "0")}a`;

export function hours(cap: number | null, scale = 1): HourOverview[] {
  const next = random(7);
  const thisHour = NOW - (NOW % 3_600_000);
  return Array.from({ length: 24 }, (_, i) => {
    const at = thisHour - (23 - i) * 3_600_000;
    const busy = Math.exp(-(((new Date(at).getUTCHours() - 10.5) / 4) ** 2));
    const bulk = Math.round((180 + 1500 * busy * (0.7 + 0.5 * next())) * scale);
    const urgent = Math.round((8 + 150 * busy * next()) * scale);
    const refused = next() > 0.8 ? Math.ceil(9 * next()) : 0;
    const share = i === 23 ? 0.45 : 1;
    return { at: iso(at), urgent: Math.round(urgent * share), bulk: Math.round(bulk * share), refused, cap };
  });
}

export function year(limit: number, share: number): YearOverview {
  const [from, to] = [Date.parse("2026-07-01T00:00:00Z"), Date.parse("2027-07-01T00:00:00Z")];
  const days = Math.floor((NOW - from) / 86_400_000);
  const next = random(11);
  let messages = 0;
  const perDay = (limit * share) / 365;
  const list = Array.from({ length: days }, (_, i) => {
    const at = new Date(from + i * 86_400_000);
    messages += perDay * (at.getUTCDay() % 6 === 0 ? 0.2 : 1.3) * (0.6 + 0.8 * next());
    return {
      day: at.toISOString().slice(0, 10),
      messages: Math.round(messages),
      bytes: Math.round(messages * 41_000),
    };
  });
  const used = Math.round(messages + perDay / 2);
  const forecast = Math.round(used / ((NOW - from) / (to - from)));
  return {
    ...{ from: iso(from), to: iso(to), at: "hold" },
    messages: { used, limit, forecast },
    bytes: { used: used * 41_000, limit: null, forecast: forecast * 41_000 },
    days: list,
  };
}

export function account(name: string, more: Partial<AccountOverview> = {}): AccountOverview {
  return { name, budget: { used: 1286, perHour: 2000 }, state: "closed", sessions: 2, year: null, ...more };
}

function overview(more: Partial<Overview> = {}): Overview {
  return {
    version: "0.1.0",
    hostname: "app01.lab.example",
    now: iso(NOW),
    startedAt: iso(NOW - 86_400_000 * 9),
    health: { ok: true, reasons: [], warnings: [] },
    queue: { states: { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 }, oldest: null },
    accounts: [account("portal")],
    hours: hours(2000),
    failures: [],
    ...more,
  };
}

const PROGRAMS = [
  { user: "www-data", sender: "portal@lab.example" },
  { user: "www-data", sender: "portal@lab.example" },
  { user: "news", sender: "bounces@lab.example" },
  { user: "root", sender: "ops@lab.example" },
  { user: null, sender: "alerts@lab.example" },
];
const PEOPLE = [
  "dean",
  "a.kowalski",
  "m.oyelaran",
  "students-2026",
  "library",
  "j.smith",
  "registrar",
  "payroll",
];
const REASONS: Record<ShownState, readonly (string | null)[]> = {
  incoming: [
    "the hour's budget of portal is used up, about 14:31:20",
    "urgent mail goes first, about 14:28:05",
  ],
  active: [null],
  deferred: [
    "451 4.7.1 <students-2026@mail.lab.example>: Recipient address rejected: Greylisted, see https://lab.example/grey",
    "452 4.2.2 The recipient's mailbox is over its quota",
  ],
  held: [
    "held by an operator: waits for the dean's word",
    "its pair is stopped: 550 5.7.1 Sender not authorised",
  ],
  bounced: [
    "550 5.1.1 <former.student@lab.example>: Recipient address rejected: User unknown in virtual mailbox table",
  ],
};

export function rows(n: number): QueueRow[] {
  const next = random(3);
  const states: ShownState[] = [
    "deferred",
    "incoming",
    "incoming",
    "held",
    "incoming",
    "bounced",
    "incoming",
    "active",
  ];
  return Array.from({ length: n }, (_, i) => {
    const state = states[i % states.length] as ShownState;
    const program = PROGRAMS[Math.floor(next() * PROGRAMS.length)] as (typeof PROGRAMS)[number];
    const reasons = REASONS[state];
    const waits = state === "incoming" || state === "deferred";
    return {
      id: queueId(i),
      state,
      age: Math.max(4, Math.round((n - i) * 47 + next() * 30)),
      size: Math.round(1800 + next() ** 6 * 3_000_000),
      sender: program.sender,
      recipients: Array.from(
        { length: next() > 0.8 ? 5 : 1 },
        () => `${PEOPLE[Math.floor(next() * PEOPLE.length)]}@lab.example`,
      ),
      account: program.sender.startsWith("bounces") ? "newsletter" : "portal",
      user: program.user,
      nextAttempt: waits ? iso(NOW + Math.round(next() * 900) * 1000) : null,
      reason: reasons[i % reasons.length] ?? null,
    };
  });
}

export function detail(row: QueueRow): QueueDetail {
  const accepted = NOW - row.age * 1000;
  const reply =
    row.state === "bounced" ? (row.reason ?? "") : "451 4.7.1 Greylisted, please try again in 5 minutes";
  const outcome = row.state === "bounced" ? "bounced" : "deferred";
  const [first = "nobody@lab.example"] = row.recipients;
  return {
    ...row,
    envelope: {
      sender: row.sender,
      recipients: row.recipients.map((address) => ({ address, state: "pending" })),
    },
    received: {
      sender: "www-data@app01.internal",
      from: "www-data@app01.internal",
      recipients: row.recipients,
    },
    client: { ip: "127.0.0.1", helo: "app01", protocol: "ESMTP" },
    acceptedAt: iso(accepted),
    from: row.sender,
    messageId: "<20261124142640.4711@app01.internal>",
    class: "bulk",
    rule: 'senders.rewrite[1] "*@app01.internal"',
    why: "www-data@app01.internal is not an allowed sender, and the rule says to send it as portal@lab.example",
    changes: [
      { field: "From", was: "www-data@app01.internal", now: row.sender, why: "it is not an allowed pair" },
      { field: "Reply-To", now: "www-data@app01.internal", why: "senders.keepOriginal: reply-to" },
      { field: "Bcc", was: "audit@lab.example", why: "it must not be seen by the other recipients" },
    ],
    attempts: [
      {
        at: iso(accepted + 2000),
        upstream: "smtp-us.ser.proofpoint.com:587",
        session: "s7k2",
        inDoubt: false,
        next: iso(accepted + 62_000),
        results: [{ recipient: first, outcome: "deferred", reply: "451 4.3.0 Temporary lookup failure" }],
      },
      {
        at: iso(accepted + 64_000),
        upstream: "smtp-us.ser.proofpoint.com:587",
        session: "s7k5",
        inDoubt: false,
        next: row.nextAttempt,
        results: row.recipients.map((recipient) => ({ recipient, outcome, reply })),
      },
    ],
    history: row.state === "held" ? [{ at: iso(NOW - 120_000), what: "held", detail: row.reason ?? "" }] : [],
  };
}

const FAILURES: readonly FailureOverview[] = [
  {
    ...{ at: iso(NOW - 95_000), event: "rejected", id: null, sender: "root@build7.internal", user: "root" },
    recipients: ["ops@lab.example"],
    reason:
      "550 5.7.1 From <root@build7.internal> is not an allowed sender: add it to accounts[].senders or senders.rewrite",
  },
  {
    ...{
      at: iso(NOW - 410_000),
      event: "bounced",
      id: queueId(5),
      sender: "portal@lab.example",
      user: "www-data",
    },
    recipients: ["former.student@lab.example"],
    reason:
      "550 5.1.1 <former.student@lab.example>: Recipient address rejected: User unknown in virtual mailbox table",
  },
  {
    ...{
      at: iso(NOW - 1_900_000),
      event: "deferred",
      id: queueId(0),
      sender: "bounces@lab.example",
      user: "news",
    },
    recipients: ["students-2026@mail.lab.example", "a@lab.example", "b@lab.example", "c@lab.example"],
    reason: "451 4.7.1 Greylisted, please try again in 5 minutes",
  },
];

const STORIES = [
  {
    ...{
      id: "06k3t90000001a",
      messageId: "<914@app01.internal>",
      sender: "portal@lab.example",
      from: "portal@lab.example",
    },
    ...{ recipients: ["dean@lab.example"], account: "portal", user: "www-data", state: "delivered" },
    facts: [
      {
        ...{
          at: iso(NOW - 18_000_000),
          event: "accepted",
          id: "06k3t90000001a",
          account: "portal",
          sender: "portal@lab.example",
        },
        ...{
          from: "portal@lab.example",
          recipients: ["dean@lab.example"],
          sizeBytes: 24_310,
          class: "urgent",
        },
        ...{ client: "127.0.0.1", messageId: "<914@app01.internal>", rule: "pair" },
      },
      {
        ...{
          at: iso(NOW - 17_998_000),
          event: "delivered",
          id: "06k3t90000001a",
          account: "portal",
          sender: "portal@lab.example",
        },
        ...{
          recipients: ["dean@lab.example"],
          upstream: "smtp-us.ser.proofpoint.com:587",
          session: "s6x1",
          charged: 1,
        },
        ...{ delay: 2, sizeBytes: 24_310, reply: { code: 250, text: "250 2.0.0 Ok: queued as 4XyZ1" } },
      },
    ],
  },
  {
    ...{
      id: null,
      messageId: null,
      sender: "root@build7.internal",
      from: null,
      recipients: ["ops@lab.example"],
    },
    ...{ account: null, user: "root", state: "rejected" },
    facts: [
      {
        ...{
          at: iso(NOW - 95_000),
          event: "rejected",
          stage: "mail",
          client: "127.0.0.1",
          sender: "root@build7.internal",
        },
        recipients: ["ops@lab.example"],
        reply: "550 5.7.1 From <root@build7.internal> is not an allowed sender",
      },
    ],
  },
];

export function world(more: Partial<PageWorld> & { readonly says?: Partial<Overview> } = {}): PageWorld {
  const { says, ...parts } = more;
  const shown = parts.rows ?? [];
  return {
    overview: overview(says),
    rows: shown,
    details: new Map(shown.map((row) => [row.id, detail(row)])),
    stories: STORIES,
    loggedIn: true,
    ...parts,
  };
}

export function lively(): PageWorld {
  return world({
    rows: rows(34),
    says: {
      queue: { states: { incoming: 17, active: 4, deferred: 5, held: 4, bounced: 4 }, oldest: 1630 },
      accounts: [
        account("portal", { year: year(5_000_000, 0.83) }),
        account("newsletter", {
          budget: { used: 960, perHour: 1000 },
          sessions: 1,
          year: year(900_000, 1.25),
        }),
        account("alerts", { budget: { used: 3, perHour: 200 }, sessions: 0 }),
      ],
      hours: hours(2400),
      failures: FAILURES,
    },
  });
}

export function hostile(): PageWorld {
  const many = rows(1000).map((row, i): QueueRow => {
    const evil = Object.values(HOSTILE)[i % 5] as string;
    return { ...row, sender: evil, recipients: [evil, evil], reason: evil, user: evil, account: evil };
  });
  const failures = Object.values(HOSTILE).map((evil, i) => ({
    ...{ at: iso(NOW - i * 1000), event: "bounced" as const, id: queueId(i), sender: evil, user: evil },
    ...{ recipients: [evil], reason: evil },
  }));
  const details = new Map(many.slice(0, 10).map((row) => [row.id, evilDetail(row)]));
  const stories = STORIES.map((story) => ({
    ...story,
    sender: HOSTILE.image,
    recipients: [HOSTILE.script],
    messageId: HOSTILE.long,
  }));
  return world({
    ...{ rows: many, details, stories },
    says: {
      ...{ hostname: HOSTILE.script, version: HOSTILE.image, failures },
      health: {
        ok: false,
        reasons: Object.values(HOSTILE).map((reason) => ({ reason, nextProbe: null })),
        warnings: Object.values(HOSTILE),
      },
      queue: {
        states: { incoming: 500, active: 125, deferred: 125, held: 125, bounced: 125 },
        oldest: 47_000,
      },
      accounts: Object.values(HOSTILE).map((name) => account(name, { year: year(1000, 0.5) })),
    },
  });
}

function evilDetail(row: QueueRow): QueueDetail {
  const evil = row.sender;
  const whole = detail(row);
  return {
    ...whole,
    ...{ from: evil, messageId: evil, rule: evil, why: evil, class: evil },
    received: { sender: evil, from: evil, recipients: [evil] },
    client: { ip: evil, helo: evil, protocol: evil },
    changes: [{ field: evil, was: evil, now: evil, why: evil }],
    attempts: whole.attempts.map((one) => ({
      ...one,
      results: [{ recipient: evil, outcome: "bounced", reply: evil }],
    })),
    history: [{ at: iso(NOW), what: "held", detail: evil }],
  };
}

export function quiet(): PageWorld {
  return world({
    says: {
      accounts: [account("portal", { budget: { used: 0, perHour: 500 }, sessions: 0 })],
      hours: hours(500).map((hour) => ({ ...hour, urgent: 0, bulk: 0, refused: 0 })),
    },
  });
}

export function broken(): PageWorld {
  const refused = "535 5.7.8 Error: authentication failed";
  return world({
    rows: rows(60),
    says: {
      health: {
        ok: false,
        warnings: [
          "the config file was refused at 2026-03-31T09:14:00Z, the one before stays in force: accounts[0].pace: is missing",
        ],
        reasons: [
          {
            reason: `account portal is stopped: the upstream refuses its credential: ${refused}`,
            nextProbe: iso(NOW + 420_000),
          },
          { reason: "Redis is away: mail is accepted, nothing goes out until it is back", nextProbe: null },
        ],
      },
      queue: { states: { incoming: 30, active: 0, deferred: 15, held: 8, bounced: 7 }, oldest: 190_000 },
      accounts: [
        account("portal", {
          state: "open",
          budget: { used: 2140, perHour: 2000 },
          sessions: 0,
          year: year(1_000_000, 3.1),
        }),
        account("newsletter", { state: "probing", budget: null, sessions: 1 }),
        ...Array.from({ length: 8 }, (_, i) =>
          account(`department-${i + 1}`, {
            budget: { used: i * 71, perHour: 500 },
            sessions: i % 3,
            state: i === 4 ? "open" : "closed",
          }),
        ),
      ],
      hours: hours(40_000, 1.4),
      failures: [
        ...FAILURES,
        ...FAILURES.map((failure) => ({
          ...failure,
          at: iso(Date.parse(failure.at) - 7_200_000),
          reason: refused,
        })),
      ],
    },
  });
}
