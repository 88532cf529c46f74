/** Who sent it, from end to end: two local users, the real agent, and a rule for one of them. */
import { expect, test } from "vitest";
import type { QueueDetail, QueueRow } from "../../src/control/queue-view.ts";
import type { UsageRow } from "../../src/usage/rows.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { cannotBeOthers, sayAsNobody } from "../support/submit-as.ts";
import { until } from "../support/until.ts";

const RULE = "senders: { rewrite: [{ match: '*@app01.lab.example', user: nobody, to: app@lab.example }] }";
const JOB = "job@app01.lab.example";

test.skipIf(cannotBeOthers !== undefined)(
  `a rule for nobody decides for nobody's mail, which all tools know as theirs; root's is refused (${cannotBeOthers ?? "as root"})`,
  async () => {
    const relay = await Relay.start({ config: RULE, fail: ["connect=drop"] });
    const refused = await submit(relay.port, { from: JOB });
    expect(refused.text).toMatch(/^550 5\.7\.1 Sender address job@app01\.lab\.example is not allowed/);
    const replies = await sayAsNobody(
      { port: relay.port },
      ...[
        "EHLO job",
        `MAIL FROM:<${JOB}>`,
        "RCPT TO:<bob@example.org>",
        "DATA",
        "Subject: hi\n\nhello\n.",
        "QUIT",
      ],
    );
    const id = /^250 2\.0\.0 queued as (\S+)$/.exec(replies.at(-2) ?? "")?.[1] as string;
    await until(
      "both are told",
      () => relay.events("rejected").length + relay.events("accepted").length === 2,
    );
    expect(relay.events("rejected")).toMatchObject([{ user: "root", sender: JOB }]);
    expect(relay.events("accepted")).toMatchObject([{ id, user: "nobody", rule: "senders.rewrite[0]" }]);

    const json = async <T>(...args: string[]): Promise<T> =>
      JSON.parse((await relay.command(...args, "--json")).stdout);
    expect(await json<QueueRow[]>("queue")).toMatchObject([
      { id, user: "nobody", sender: "app@lab.example" },
    ]);
    expect(await json<QueueDetail>("queue", "show", id)).toMatchObject({
      client: { user: "nobody" },
      why: `header From ${JOB} of user nobody matches *@app01.lab.example`,
    });
    expect((await relay.command("queue", "show", id)).stdout).toMatch(/^user {8}nobody$/m);
    expect((await relay.command("explain", "--from", JOB)).code).toBe(77);
    expect((await relay.command("explain", "--from", JOB, "--user", "nobody")).code).toBe(0);

    relay.setFaults();
    expect((await relay.command("queue", "retry", id)).code).toBe(0);
    await until("it is delivered", () => relay.events("delivered").length === 1);
    expect(relay.events("released")).toMatchObject([{ id, user: "nobody" }]);
    expect(relay.events("delivered")).toMatchObject([{ id, user: "nobody" }]);
    expect(await json<UsageRow[]>("usage", "--per", "user")).toMatchObject([{ user: "nobody", messages: 1 }]);
  },
);
