import { expect, test } from "vitest";
import { Course } from "../../../src/upstream/course.ts";

const reply = (code: number) => ({ code, text: `${code}` });

function make() {
  const stages: string[] = [];
  const course = new Course((stage) => stages.push(stage));
  const run = (...commands: string[]) => {
    for (const command of commands) course.said(command);
  };
  return { course, stages, run };
}

test("each stage is told of when its reply is the one that is waited for", () => {
  const { course, stages, run } = make();
  course.connected();
  for (const command of ["EHLO h", "STARTTLS", "EHLO h", "AUTH LOGIN", "bmFtZQ=="]) {
    course.replied(reply(250));
    run(command);
  }
  course.replied(reply(235));
  expect(stages.filter((stage) => stage !== "idle")).toEqual([
    "greeting",
    "ehlo",
    "tls",
    "tls",
    "ehlo",
    "auth",
    "auth",
  ]);
  expect(stages.at(-1)).toBe("idle");
});

test("pipelined or one by one, the same replies answer the same commands", () => {
  const commands = ["MAIL FROM:<a@b>", "RCPT TO:<c@d>", "RCPT TO:<e@f>", "DATA"];
  const codes = [250, 250, 550, 354];
  const pipelined = make();
  pipelined.run(...commands);
  for (const code of codes) pipelined.course.replied(reply(code));
  const slow = make();
  for (const [index, command] of commands.entries()) {
    slow.run(command);
    slow.course.replied(reply(codes[index] ?? 0));
  }
  const expected = ["mail 250", "rcpt 250", "rcpt 550", "data 354"];
  for (const { course } of [pipelined, slow]) {
    expect(course.heard.map((one) => `${one.stage} ${one.reply.code}`)).toEqual(expected);
    expect(course.mails).toBe(1);
  }
});

test("a reply that came while the message was sent does not answer the dot", () => {
  const { course, run } = make();
  run("DATA");
  course.replied(reply(354));
  course.sendingBody();
  course.arrived(10);
  course.bodySent();
  course.replied(reply(250));
  expect(course.heard.at(-1)?.stage).toBe("body");
});

test("a reply whose bytes came after the dot answers it", () => {
  const { course, run } = make();
  run("DATA");
  course.arrived(10);
  course.replied(reply(354));
  course.sendingBody();
  course.bodySent();
  expect(course.stage).toBe("dot");
  course.arrived(10);
  course.replied(reply(250));
  expect(course.heard.at(-1)).toEqual({ stage: "dot", reply: reply(250) });
});

test("a new transaction forgets what was heard, and keeps the count of MAIL", () => {
  const { course, run } = make();
  run("MAIL FROM:<a@b>");
  course.replied(reply(250));
  course.bodySent();
  course.begin();
  expect(course).toMatchObject({ heard: [], dotSaid: false, mails: 1 });
});

test("64 KB are enough for a reply, and each pipelined one has room for its line", () => {
  const { course, run } = make();
  run("RSET");
  expect(course.arrived(64 * 1024 + 512)).toBe(true);
  expect(course.arrived(1)).toBe(false);
  course.replied(reply(250));
  run(...Array(100).fill("RCPT TO:<a@b>"));
  expect(course.arrived(64 * 1024 + 100 * 512)).toBe(true);
  expect(course.arrived(1)).toBe(false);
});
