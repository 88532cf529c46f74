import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { exampleFile } from "../../../src/config/example.ts";
import { folderWith, goodConfig } from "../config/folder.ts";
import { sluice } from "./command-line.ts";

function fileWith(text: string): string {
  return join(folderWith({ "sluice.yaml": text, password: "correct horse\n" }), "sluice.yaml");
}

describe("check", () => {
  test("says ok and exits 0 for a good config", async () => {
    const file = fileWith(goodConfig);
    expect(await sluice("check", "-c", file)).toEqual({ code: 0, out: `${file}: ok\n`, err: "" });
  });

  test("prints warnings and exits 0", async () => {
    const file = fileWith(goodConfig.replace("{ perHour: 2000 }", "unlimited"));
    const { code, out } = await sluice("check", "-c", file);
    expect(code).toBe(0);
    expect(out).toContain(`${file}:10: accounts[0].pace: warning: is unlimited`);
    expect(out).toContain(`${file}: ok, 1 warning`);
  });

  test("prints every problem as file:line and exits 78", async () => {
    const file = fileWith(`${goodConfig}hostnam: x\nstopTimeout: 5\n`);
    const { code, out } = await sluice("check", "-c", file);
    expect(code).toBe(78);
    expect(out).toContain(`${file}:11: hostnam "x": is not a known key; did you mean hostname?`);
    expect(out).toContain(`${file}:12: stopTimeout 5: has no unit`);
    expect(out).toContain(`${file}: 2 problems`);
  });

  test("--json prints one document with the same", async () => {
    const file = fileWith(`${goodConfig}hostnam: x\n`);
    const { code, out } = await sluice("check", "--json", "-c", file);
    expect(code).toBe(78);
    expect(JSON.parse(out)).toMatchObject({
      file,
      ok: false,
      problems: [{ line: 11, path: "hostnam", value: '"x"', remedy: "did you mean hostname?" }],
      warnings: [],
    });
  });

  test("a wrong variable is a problem of the environment, not of the file", async () => {
    vi.stubEnv("SLUICE_LOG_LEVEL", "loud");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { code, out } = await sluice("check", "-c", fileWith(goodConfig));
    expect(code).toBe(78);
    expect(out).toContain('environment: SLUICE_LOG_LEVEL "loud"');
  });

  test("a missing file exits 78 and says how to make one", async () => {
    const { code, out } = await sluice("check", "-c", "/nonexistent.yaml");
    expect(code).toBe(78);
    expect(out).toContain("make one with: sluice config --example > /nonexistent.yaml");
  });
});

describe("config", () => {
  test("prints the effective config without passwords", async () => {
    const { code, out } = await sluice("config", "-c", fileWith(goodConfig));
    expect(code).toBe(0);
    expect(out).toContain("port: 587  # preset proofpoint-ser");
    expect(out).toContain("****");
    expect(out).not.toContain("horse");
  });

  test("--json is one document with the contract's keys", async () => {
    const { out } = await sluice("config", "--json", "-c", fileWith(goodConfig));
    expect(JSON.parse(out)).toMatchObject({
      hostname: "app01.lab.wisc.edu",
      limits: { messageSize: 5_000_000 },
    });
  });

  test("of a broken file prints the problems on stderr and exits 78", async () => {
    const { code, out, err } = await sluice("config", "-c", fileWith("hostnam: x\n"));
    expect({ code, out }).toEqual({ code: 78, out: "" });
    expect(err).toContain("did you mean hostname?");
  });

  test("--example and --schema need no config file", async () => {
    expect((await sluice("config", "--example", "-c", "/nonexistent")).out).toBe(exampleFile());
    expect(JSON.parse((await sluice("config", "--schema")).out)).toMatchObject({ type: "object" });
  });
});

describe("explain", () => {
  const withRules = `${goodConfig}senders:
  rewrite:
    - { match: "root@*", to: portal@lab.wisc.edu }
    - { match: "*@app01.internal", user: www-data, to: { envelope: bounces@lab.wisc.edu, header: news@lab.wisc.edu } }
notices: { from: portal@lab.wisc.edu }
`;
  const explain = (...args: string[]) => sluice("explain", "-c", fileWith(withRules), ...args);

  test("an allowed sender goes out as it is, exit code 0", async () => {
    const { code, out } = await explain(
      "--from",
      "news@lab.wisc.edu",
      "--envelope",
      "bounces@lab.wisc.edu",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      action: "send",
      account: "portal",
      pair: { envelope: "bounces@lab.wisc.edu", header: "news@lab.wisc.edu" },
      rule: "accounts[0].senders[1]",
    });
  });

  test("an unqualified sender gets the host name and is rewritten by the rule it names", async () => {
    const { code, out } = await explain("--from", "root");
    expect(code).toBe(0);
    expect(out).toContain("root@app01.lab.wisc.edu");
    expect(out).toContain("rule      senders.rewrite[0]");
    expect(out).toContain("goes out  From portal@lab.wisc.edu");
  });

  test("an unknown sender is refused with exit code 77", async () => {
    const { code, out, err } = await explain("--from", "who@else.where");
    expect({ code, err }).toEqual({ code: 77, err: "" });
    expect(out).toContain("decision  reject: ");
  });

  test("the null envelope takes the envelope of notices.from", async () => {
    const { code, out } = await explain("--from", "portal@lab.wisc.edu", "--envelope", "<>", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      asked: { envelope: "<>" },
      pair: { envelope: "portal@lab.wisc.edu" },
    });
  });

  test.each(["not an address", "a@b c@d", "<a@b", "a@b,c@d", "<>", ""])(
    "--from %j exits 64",
    async (from) => {
      expect((await explain("--from", from)).code).toBe(64);
    },
  );

  test("a rule for a user decides with --user; without, it says for whom it would", async () => {
    const asked = ["--from", "shop@app01.internal"];
    const unknown = await explain(...asked);
    expect(unknown.code).toBe(77);
    expect(unknown.out).toMatch(
      /^but {7}another rule decides: senders\.rewrite\[1\] for user www-data \(see --user\)$/m,
    );
    const { code, out } = await explain(...asked, "--user", "www-data");
    expect(code).toBe(0);
    expect(out).toMatch(/^asked .*, user www-data$/m);
    expect(out).toContain("header From shop@app01.internal of user www-data matches *@app01.internal");
    expect(out).not.toContain("another rule");
    const other = await explain(...asked, "--user", "nobody", "--json");
    expect(other.code).toBe(77);
    expect(JSON.parse(other.out)).toMatchObject({ asked: { user: "nobody" }, action: "reject", others: [] });
    const json = JSON.parse((await explain(...asked, "--json")).out);
    expect(json).toMatchObject({
      asked: { user: null },
      others: [{ user: "www-data", rule: "senders.rewrite[1]" }],
    });
    expect((await explain("--from", "root")).out).not.toContain("another rule");
  });
});
