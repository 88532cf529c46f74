/** What facts say of a head: the Message-ID always, the Subject where keep.subjects says so. */
import { expect, test } from "vitest";
import { submit } from "../../support/smtp-client.ts";
import { settings, startIntake } from "./intake.ts";

const HEAD = "Message-ID: <m1@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n";
const allowed = { from: "portal@lab.example", data: `From: portal@lab.example\r\n${HEAD}\r\nhello\r\n` };
const unknown = { from: "evil@x.example", data: `From: evil@x.example\r\n${HEAD}\r\nhello\r\n` };

test("without keep.subjects no fact has a Subject, and a refusal has the Message-ID", async () => {
  await using intake = await startIntake();
  expect((await submit(intake.port, allowed)).code).toBe(250);
  expect((await submit(intake.port, unknown)).code).toBe(550);
  expect(intake.acceptances()[0]).toMatchObject({ messageId: "<m1@x.example>" });
  expect(intake.rejections()[0]).toMatchObject({ messageId: "<m1@x.example>", from: "evil@x.example" });
  expect(JSON.stringify([intake.facts, intake.reports])).not.toMatch(/subject|Gr(=C3|ü)/i);
});

test("with keep.subjects accepted and refused facts have it, decoded; without a head there is none", async () => {
  await using intake = await startIntake({ settings: () => ({ ...settings, keep: { subjects: true } }) });
  await submit(intake.port, allowed);
  await submit(intake.port, unknown);
  await submit(intake.port, { ...allowed, data: "From: portal@lab.example\r\nSubj\0ect: x\r\n\r\n" });
  expect(intake.acceptances().map(({ subject }) => subject)).toEqual(["Grüße"]);
  expect(intake.rejections().map(({ subject }) => subject)).toEqual(["Grüße", undefined]);
  expect(JSON.stringify(intake.accepted[0]?.entry)).not.toContain("Grüße");
});
