import { expect, test } from "vitest";
import { readSendmailArguments, type SendmailOptions } from "../../../src/cli/sendmail-options.ts";

const NONE: SendmailOptions = {
  mode: "deliver",
  fromHead: false,
  dots: "end",
  verbose: false,
  recipients: [],
};

function read(line: string) {
  return readSendmailArguments("sendmail", line === "" ? [] : line.split(" "));
}

test.each<[string, object]>([
  ["", {}],
  ["a@b", { recipients: ["a@b"] }],
  ["-t -i", { fromHead: true, dots: "text" }],
  ["-ti", { fromHead: true, dots: "text" }],
  ["-it -oem a@b", { fromHead: true, dots: "text", recipients: ["a@b"] }],
  ["-oi a@b", { dots: "text", recipients: ["a@b"] }],
  ["-o i a@b", { dots: "text", recipients: ["a@b"] }],
  ["-fx@y a@b", { sender: "x@y", recipients: ["a@b"] }],
  ["-f x@y a@b", { sender: "x@y", recipients: ["a@b"] }],
  ["-rx@y", { sender: "x@y" }],
  ["-r x@y", { sender: "x@y" }],
  ["-tf x@y", { fromHead: true, sender: "x@y" }],
  ["-f root", { sender: "root" }],
  ["-f <>", { sender: "" }],
  ["-f x@y -f z@y", { sender: "z@y" }],
  ["-FCronDaemon -i -B8BITMIME -oem root", { fullName: "CronDaemon", dots: "text", recipients: ["root"] }],
  ["-F Name a@b", { fullName: "Name", recipients: ["a@b"] }],
  ["-bm a@b", { recipients: ["a@b"] }],
  ["-bs", { mode: "smtp" }],
  ["-b s", { mode: "smtp" }],
  ["-bp", { mode: "queue" }],
  ["-bi", { mode: "nothing" }],
  ["-q", { mode: "nothing" }],
  ["-q15m", { mode: "nothing" }],
  ["-q a@b", { mode: "nothing", recipients: ["a@b"] }],
  ["-v a@b", { verbose: true, recipients: ["a@b"] }],
  ["-C x.yaml", { config: "x.yaml" }],
  ["--config x.yaml", { config: "x.yaml" }],
  ["--config=x.yaml", { config: "x.yaml" }],
  ["-N never -V id -R hdrs a@b", { recipients: ["a@b"] }],
  ["-Nfailure,delay -Vid a@b", { recipients: ["a@b"] }],
  ["-O ErrorMode=m -ODeliveryMode=b a@b", { recipients: ["a@b"] }],
  ["-odb -oQ/tmp -o7 -oee a@b", { recipients: ["a@b"] }],
  ["-h 5 -pESMTP:x -L tag -X log -Am -e m a@b", { recipients: ["a@b"] }],
  ["-G -n -x -m -U -d -d8.1 a@b", { recipients: ["a@b"] }],
  ["a@b -f x@y", { sender: "x@y", recipients: ["a@b"] }],
  ["-t -- -f x@y", { fromHead: true, recipients: ["-f", "x@y"] }],
  ["-", { recipients: ["-"] }],
])("reads %j as sendmail does", (line, options) => {
  expect(read(line)).toEqual({ kind: "options", options: { ...NONE, ...options } });
});

test("an empty argument is a value, too: the null sender", () => {
  expect(readSendmailArguments("sendmail", ["-f", "", "a@b"])).toMatchObject({
    options: { sender: "", recipients: ["a@b"] },
  });
});

test("-f understands a name beside the address", () => {
  expect(readSendmailArguments("sendmail", ["-f", '"X, Y" <x@y>'])).toMatchObject({
    options: { sender: "x@y" },
  });
});

test("mailq and newaliases are modes that options may change", () => {
  expect(readSendmailArguments("mailq", ["-Ac", "-v"])).toMatchObject({ options: { mode: "queue" } });
  expect(readSendmailArguments("newaliases", [])).toMatchObject({ options: { mode: "nothing" } });
  expect(readSendmailArguments("mailq", ["-q"])).toMatchObject({ options: { mode: "nothing" } });
});

test("--help is help, wherever it stands before --", () => {
  expect(read("-t --help")).toEqual({ kind: "help" });
  expect(read("-- --help")).toMatchObject({ options: { recipients: ["--help"] } });
});

test.each([
  ["-Z", "usage", "no option -Z"],
  ["-tZ", "usage", "no option -Z"],
  ["--bogus", "usage", "no option --bogus"],
  ["-f", "usage", "-f wants a value"],
  ["a@b -o", "usage", "-o wants a value"],
  ["--config", "usage", "wants a value"],
  ["-bd", "usage", "systemctl start sluice"],
  ["-bd -q15m", "usage", "-bd"],
  ["-bv a@b", "usage", "no mode -bv"],
  ["-f a@", "data", "-f a@"],
  ["-f a@b,c@d", "data", "not one address"],
  ["-fa@b>", "data", "-f >"],
])("refuses %j", (line, why, problem) => {
  expect(read(line)).toEqual({ kind: "refused", why, problem: expect.stringContaining(problem) });
});

test.each([
  ["-F", "X\nBcc: c@d", "usage"],
  ["-f", "a@b\r\nRCPT TO:<c@d>", "data"],
  ["-f", "a@b> SIZE=1\nRCPT TO:<c@d", "data"],
])("no line of SMTP or of a head can be put into %s", (option, value, why) => {
  expect(readSendmailArguments("sendmail", [option, value])).toMatchObject({ kind: "refused", why });
});
