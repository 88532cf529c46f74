import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkConfig, loadConfig, loadPublicConfig } from "../../../src/config/load.ts";
import { presetOf } from "../../../src/config/presets.ts";
import { folderWith, goodConfig } from "./folder.ts";

function load(text = goodConfig, env: NodeJS.ProcessEnv = {}) {
  const folder = folderWith({ "sluice.yaml": text, password: "correct horse\n" });
  return loadConfig(join(folder, "sluice.yaml"), env);
}

function config(text?: string, env?: NodeJS.ProcessEnv) {
  const result = load(text, env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problems(text?: string, env?: NodeJS.ProcessEnv) {
  const result = load(text, env);
  return result.ok ? [] : result.problems;
}

function warnings(text: string) {
  const result = load(text);
  return result.ok ? result.warnings.map(({ path, message }) => `${path}: ${message}`) : ["refused"];
}

test("a small config gets the defaults of the manual", () => {
  const loaded = config();
  expect(loaded).toMatchObject({
    hostname: "app01.lab.wisc.edu",
    stateDir: "/var/lib/sluice",
    listen: {
      addresses: [
        { host: "127.0.0.1", port: 25 },
        { host: "::1", port: 25 },
      ],
      clients: ["127.0.0.0/8", "::1/128"],
      maxConnections: 200,
    },
    limits: {
      messageSizeBytes: 5_000_000,
      recipients: 1000,
      hops: 50,
      queue: 200_000,
      freeDiskBytes: 500_000_000,
    },
    redis: { kind: "embedded" },
    upstream: { sessions: 4, messagesPerSession: 100 },
    accounts: [{ name: "portal", allowDomains: [], pace: { kind: "paced", perHour: 2000, burst: 20 } }],
    senders: { rewrite: [], unknown: { kind: "reject" }, keepOriginal: "reply-to" },
    retry: { firstMs: 60_000, maxMs: 3_600_000, expireAfterMs: 345_600_000 },
    keep: { historyMs: 14 * 86_400_000, bouncedMs: 7 * 86_400_000, usageMs: 400 * 86_400_000 },
    stopTimeoutMs: 30_000,
    log: { level: "info" },
  });
  expect(loaded.senders.pairs).toEqual([
    {
      pair: { envelope: "portal@lab.wisc.edu", header: "portal@lab.wisc.edu" },
      account: "portal",
      rule: "accounts[0].senders[0]",
    },
    {
      pair: { envelope: "bounces@lab.wisc.edu", header: "news@lab.wisc.edu" },
      account: "portal",
      rule: "accounts[0].senders[1]",
    },
  ]);
  expect(loaded.accounts[0]?.password.reveal()).toBe("correct horse");
  expect(JSON.stringify(loaded)).not.toContain("horse");
});

describe("the preset", () => {
  test("fills hosts, port, security and ciphers, without RC4 and 3DES", () => {
    const { upstream } = config();
    expect(upstream).toMatchObject({
      service: "proofpoint-ser",
      hosts: ["smtp-us.ser.proofpoint.com"],
      port: 587,
    });
    expect(upstream.ciphers).toMatch(/^ECDHE-RSA-AES256-GCM-SHA384:.*:AES128-SHA$/);
    expect(upstream.ciphers).not.toMatch(/RC4|DES-CBC3/);
    expect(presetOf("proofpoint-ser")).toMatchObject({ spfInclude: "_spf.wiscmail.wisc.edu" });
    expect(presetOf("proofpoint-ser-v1")?.hosts).toEqual(["authnz.proofpoint.com"]);
  });

  test("gives way to every key of the file", () => {
    const text = goodConfig.replace(
      "ser }",
      "ser, hosts: [relay.test], port: 465, security: tls, ciphers: AES128-SHA }",
    );
    expect(config(text).upstream).toMatchObject({
      hosts: ["relay.test"],
      port: 465,
      security: "tls",
      ciphers: "AES128-SHA",
    });
  });

  test("is not needed when hosts are named", () => {
    const { upstream } = config(goodConfig.replace("service: proofpoint-ser", "hosts: [relay.test]"));
    expect(upstream).toMatchObject({
      service: "custom",
      hosts: ["relay.test"],
      port: 587,
      security: "starttls",
    });
    expect(upstream.ciphers).toBeUndefined();
  });
});

describe("replies of the service", () => {
  test("become rules that ignore case, each with a hint", () => {
    const replies =
      'replies: [{ match: "rate.*exceeded", stage: [rcpt], means: slow-down, hint: its limit }, { match: x7, means: busy }]';
    const { upstream } = config(goodConfig.replace("proofpoint-ser }", `proofpoint-ser, ${replies} }`));
    expect(upstream.replies).toEqual([
      { match: /rate.*exceeded/i, stages: ["rcpt"], means: "slow-down", hint: "its limit", from: "config" },
      { match: /x7/i, means: "busy", hint: 'a rule for "x7" says so (config)', from: "config" },
    ]);
  });

  test("need no rules", () => {
    expect(config(goodConfig).upstream.replies).toEqual([]);
  });
});

describe("the environment", () => {
  test("beats the file, key by key", () => {
    const loaded = config(goodConfig, {
      SLUICE_HOSTNAME: "box.test",
      SLUICE_REDIS: "redis://cache:6379",
      SLUICE_LISTEN: "0.0.0.0:2525, [::]:2525",
      SLUICE_CLIENTS: "10.0.0.0/8,192.0.2.7",
      SLUICE_LOG_LEVEL: "debug",
      SLUICE_HTTP: "0.0.0.0:8025",
      STATE_DIRECTORY: "/var/lib/private/sluice:/elsewhere",
    });
    expect(loaded).toMatchObject({
      hostname: "box.test",
      redis: { kind: "external", url: "redis://cache:6379" },
      listen: {
        addresses: [
          { host: "0.0.0.0", port: 2525 },
          { host: "::", port: 2525 },
        ],
        clients: ["10.0.0.0/8", "192.0.2.7/32"],
      },
      log: { level: "debug" },
      http: { host: "0.0.0.0", port: 8025 },
      stateDir: "/var/lib/private/sluice",
    });
  });

  test("counts as silent when a variable is empty", () => {
    expect(config(goodConfig, { SLUICE_HOSTNAME: "", STATE_DIRECTORY: "" }).hostname).toBe(
      "app01.lab.wisc.edu",
    );
  });

  test("turns the status page off, or on where the file turned it off", () => {
    expect(config(goodConfig, { SLUICE_HTTP: "off" }).http).toBe("off");
    const { http } = config(`${goodConfig}http: off\n`, { SLUICE_HTTP: "[::1]:9000" });
    expect(http).toEqual({ host: "::1", port: 9000 });
  });

  test("leaves the file's password file for Redis in place", () => {
    const text = `${goodConfig}redis: { url: "redis://old", passwordFile: password }\n`;
    const { redis } = config(text, { SLUICE_REDIS: "rediss://new:6379" });
    expect(redis).toMatchObject({ kind: "external", url: "rediss://new:6379" });
    expect(redis.kind === "external" && redis.password?.reveal()).toBe("correct horse");
  });

  test.each([
    ["SLUICE_HOSTNAME", "not a name"],
    ["SLUICE_REDIS", "redis://:hunter2@cache"],
    ["SLUICE_LISTEN", "0.0.0.0:25"],
    ["SLUICE_CLIENTS", "everybody"],
    ["SLUICE_LOG_LEVEL", "loud"],
    ["SLUICE_HTTP", "on"],
    ["STATE_DIRECTORY", "relative/path"],
  ])("is named when %s is wrong", (variable, value) => {
    const found = problems(goodConfig, { [variable]: value });
    expect(found.map(({ path, line }) => ({ path, line }))).toEqual([{ path: variable, line: undefined }]);
    expect(JSON.stringify(found)).not.toContain("hunter2");
  });
});

describe("paths", () => {
  test("are relative to the folder of the config file", () => {
    const folder = folderWith({ "sluice.yaml": `${goodConfig}stateDir: state\n`, password: "p\n" });
    const result = loadConfig(join(folder, "sluice.yaml"), {});
    expect(result).toMatchObject({ ok: true, config: { stateDir: join(folder, "state") } });
  });

  test("may begin with systemd's credentials folder", () => {
    const credentials = folderWith({ portal: "from systemd\n" }, { portal: 0o440 });
    const text = goodConfig.replace(
      "passwordFile: password",
      `passwordFile: \${CREDENTIALS_DIRECTORY}/portal`,
    );
    expect(config(text, { CREDENTIALS_DIRECTORY: credentials }).accounts[0]?.password.reveal()).toBe(
      "from systemd",
    );
  });

  test("in a credentials folder that is not here are a problem for run, a warning for check, nothing for others", () => {
    const text = goodConfig.replace(
      "passwordFile: password",
      `passwordFile: \${CREDENTIALS_DIRECTORY}/portal`,
    );
    const file = join(folderWith({ "sluice.yaml": text }), "sluice.yaml");
    const finding = { line: 6, path: "accounts[0].passwordFile" };
    expect(loadConfig(file, {})).toMatchObject({ ok: false, problems: [finding] });
    expect(checkConfig(file, {})).toMatchObject({ ok: true, warnings: [finding] });
    expect(loadPublicConfig(file, {})).toMatchObject({ ok: true, warnings: [] });
  });
});

test("a missing password file is a problem for run and check, and no business of other commands", () => {
  const file = join(
    folderWith({ "sluice.yaml": goodConfig.replace("File: password", "File: ./gone") }),
    "sluice.yaml",
  );
  for (const load of [loadConfig, checkConfig]) {
    expect(load(file, {})).toMatchObject({
      ok: false,
      problems: [{ line: 6, remedy: expect.stringContaining("chmod 600") }],
    });
  }
  expect(loadPublicConfig(file, {}).ok).toBe(true);
});

test("a missing config file is told how to be made", () => {
  const result = loadConfig("/nonexistent/sluice.yaml", {});
  expect(result).toMatchObject({
    ok: false,
    problems: [{ remedy: "make one with: sluice config --example > /nonexistent/sluice.yaml" }],
  });
});

describe("warnings", () => {
  test("a config as in the manual has none", () => {
    expect(warnings(goodConfig)).toEqual([]);
  });

  test.each([
    [
      "a user name that is an address",
      goodConfig.replace("6f1c2c1e", "portal@lab.wisc.edu"),
      "accounts[0].username: looks like",
    ],
    [
      "a burst above 5 %",
      goodConfig.replace("2000 }", "2000, burst: 101 }"),
      "accounts[0].pace.burst: is above 5 %",
    ],
    ["no pace", goodConfig.replace("{ perHour: 2000 }", "unlimited"), "accounts[0].pace: is unlimited"],
    [
      "the main domain",
      goodConfig.replace("- portal@lab.", "- portal@"),
      "accounts[0].senders[0]: is in an organisation's",
    ],
    [
      "a status page for the network",
      `${goodConfig}http: { listen: "0.0.0.0:8025" }\n`,
      "http.listen: can be reached from other machines",
    ],
    ["a short host name", goodConfig.replace("app01.lab.wisc.edu", "app01"), "hostname: is a short name"],
    [
      "the whole internet",
      `${goodConfig}listen: { clients: [0.0.0.0/0] }\n`,
      "listen.clients[0]: lets everybody",
    ],
    ["an odd port", goodConfig.replace("ser }", "ser, port: 465 }"), "upstream.security: is starttls"],
    ["Redis without TLS", `${goodConfig}redis: redis://cache.test\n`, "redis: is reached over the network"],
    ["a password in a comment", `${goodConfig}# password: hunter2\n`, ": the line looks as if"],
    ["the password itself", `${goodConfig}# it is correct horse\n`, ": the line looks as if"],
  ])("%s draws one", (_, text, warning) => {
    expect(warnings(text)).toEqual([expect.stringContaining(warning)]);
  });

  test("a burst of 5 % draws none", () => {
    expect(warnings(goodConfig.replace("2000 }", "2000, burst: 100 }"))).toEqual([]);
  });

  test.each([
    ["root@*", "root@*", true],
    ["*@*", "root@app01.internal", true],
    ["*@app01.internal", "root@app01.internal", true],
    ["*@*.internal", "*@app01.internal", true],
    ["root@*", "root@app01.internal", true],
    ["root@app01.internal", "root@*", false],
    ["root@*", "*@app01.internal", false],
    ["*@app01.internal", "*@app02.internal", false],
  ])("after %s, %s is out of reach: %s", (first, second, expected) => {
    const rule = (match: string) => `    - { match: "${match}", to: portal@lab.wisc.edu }\n`;
    const text = `${goodConfig}senders:\n  rewrite:\n${rule(first)}${rule(second)}`;
    const wanted = "senders.rewrite[1]: can never be reached: senders.rewrite[0] matches all of it first";
    expect(warnings(text)).toEqual(expected ? [wanted] : []);
  });

  test.each([
    ["www-data", "www-data", true],
    [undefined, "www-data", true],
    ["www-data", undefined, false],
    ["www-data", "backup", false],
  ])(
    "after a rule for user %s, one of the same pattern for %s is out of reach: %s",
    (first, second, expected) => {
      const rule = (user: string | undefined) =>
        `    - { match: "root@*", ${user === undefined ? "" : `user: ${user}, `}to: portal@lab.wisc.edu }\n`;
      const text = `${goodConfig}senders:\n  rewrite:\n${rule(first)}${rule(second)}`;
      expect(warnings(text)).toHaveLength(expected ? 1 : 0);
    },
  );
});

test("policies come out in the words of the policy part", () => {
  const text = `${goodConfig}senders:
  rewrite:
    - { match: "*@APP01.internal", user: www-data, to: { envelope: bounces@lab.wisc.edu, header: news@LAB.wisc.edu } }
  unknown: portal@lab.wisc.edu
notices: { from: portal@lab.wisc.edu }
recipients: { aliases: { root: ops@lab.wisc.edu, "*@APP01.internal": ops@lab.wisc.edu } }
urgent: { headers: { X-Priority: "1" }, users: [backup, "uid:1234"] }
`;
  const { senders, recipients, urgent } = config(text);
  const pair = { envelope: "portal@lab.wisc.edu", header: "portal@lab.wisc.edu" };
  expect(senders).toMatchObject({
    rewrite: [
      {
        match: "*@app01.internal",
        user: "www-data",
        to: { envelope: "bounces@lab.wisc.edu", header: "news@lab.wisc.edu" },
        rule: "senders.rewrite[0]",
      },
    ],
    unknown: { kind: "send-as", pair },
    nullSender: "portal@lab.wisc.edu",
  });
  expect([...recipients.aliases.keys()]).toEqual(["root", "*@app01.internal"]);
  expect(urgent.headers).toEqual({ "x-priority": "1" });
  expect(urgent.users).toEqual(["backup", "uid:1234"]);
});
