import { expect, test } from "vitest";
import { settingsFindings } from "../../../src/doctor/settings.ts";
import { goodConfig } from "../config/folder.ts";
import { patientWith } from "./patients.ts";

const told = (patient: ReturnType<typeof patientWith>) =>
  settingsFindings(patient).map(({ check, status, found }) => `${check} ${status} ${found}`);

test("a good config is fine in every line", () => {
  const findings = settingsFindings(patientWith());
  expect(findings.map(({ check, status }) => `${check} ${status}`)).toEqual([
    "config ok",
    "password ok",
    "username ok",
    "senders ok",
  ]);
});

test("all problems are told, each with its line, and what can be read is looked at all the same", () => {
  const config = goodConfig.replace("hostname:", "hostnam:").replace("perHour: 2000", "perHour: -1");
  const patient = patientWith(config);
  const problems = settingsFindings(patient).filter(({ check }) => check === "config");
  expect(problems.map(({ status, subject }) => `${status} ${subject.split(":").at(-1)}`)).toEqual([
    "failed 1",
    "failed 10",
  ]);
  expect(patient.target).toMatchObject({ hosts: ["smtp-us.ser.proofpoint.com"], port: 587 });
  expect(patient.accounts[0]?.password?.reveal()).toBe("correct horse");
});

test("a file that is no YAML leaves nothing to look at, and that is told, not thrown", () => {
  const patient = patientWith("accounts: [");
  expect(told(patient)).toEqual([expect.stringMatching(/^config failed /)]);
  expect(patient).toMatchObject({ accounts: [], listen: [] });
});

test("a password file that others can read is a line of its own, not one of the config too", () => {
  const findings = settingsFindings(patientWith(goodConfig, { password: 0o644 }));
  expect(findings.filter(({ status }) => status === "failed")).toEqual([
    expect.objectContaining({
      check: "password",
      subject: "portal",
      found: expect.stringContaining("can be read or changed by others (mode 0644)"),
      remedy: expect.stringMatching(/^run: chmod 600 /),
    }),
  ]);
});

test("systemd's credentials, which only the service has, cannot be told from here", () => {
  const patient = patientWith(
    goodConfig.replace("passwordFile: password", `passwordFile: \${CREDENTIALS_DIRECTORY}/portal`),
  );
  const line = settingsFindings(patient).find(({ check }) => check === "password");
  expect(line).toMatchObject({
    status: "unknown",
    remedy: expect.stringContaining("CREDENTIALS_DIRECTORY=/run/"),
  });
});

test("a password file that is denied is unknown", () => {
  const patient = patientWith();
  const [account] = patient.accounts;
  const { password: _, ...without } = account!;
  const passwordProblem = {
    path: "",
    message: "only its owner reads it",
    remedy: "be root",
    denied: true,
  } as const;
  const findings = settingsFindings({ ...patient, accounts: [{ ...without, passwordProblem }] });
  expect(findings[1]).toMatchObject({ check: "password", status: "unknown", remedy: "be root" });
});

test("a user name that looks like an address is told once", () => {
  const findings = settingsFindings(patientWith(goodConfig.replace("6f1c2c1e", "portal@lab.wisc.edu")));
  expect(
    findings.filter(({ status }) => status !== "ok").map(({ check, status }) => [check, status]),
  ).toEqual([["username", "warn"]]);
});

test("more addresses than the service allows, and ones that exist nowhere", () => {
  const many = Array.from({ length: 11 }, (_, n) => `      - a${n}@lab.wisc.edu`).join("\n");
  const tooMany = patientWith(goodConfig.replace("      - portal@lab.wisc.edu", many));
  expect(told(tooMany)).toContainEqual(expect.stringMatching(/^senders failed 13 distinct addresses/));
  const nowhere = patientWith(goodConfig.replace("portal@lab.wisc.edu", "portal@app01.internal"));
  expect(told(nowhere)).toContainEqual(
    expect.stringMatching(/^senders warn portal@app01.internal is in a domain/),
  );
});
