import { expect, test } from "vitest";
import { exitCodeOfReply } from "../../../src/cli/sendmail-outcome.ts";
import * as replies from "../../../src/intake/replies.ts";
import { replyLine } from "../../../src/mail/reply.ts";

test.each([
  [replies.queued("1m84xr46400t1k"), 0],
  [replies.badSender("x"), 65],
  [replies.badRecipient("x"), 65],
  [replies.malformed("x"), 65],
  [replies.tooBig({ sizeBytes: 2, limitBytes: 1 }), 65],
  [replies.tooManyRecipients(1000), 65],
  [replies.tooManyHops(51, 50), 69],
  [replies.senderRefused("x"), 77],
  [replies.recipientOutside(["a@b"]), 77],
  [replies.clientNotAllowed("127.0.0.1"), 77],
  [replies.unknownParameter("MAIL", "X"), 70],
  [replies.outOfOrder("x"), 70],
  [replies.noRoom("disk-low"), 75],
  [replies.uploadsFull, 75],
  [replies.internalError, 75],
  [replies.spoolNotWritable, 75],
  [replies.shuttingDown, 75],
  [replies.tooManyConnections(200), 75],
])("%j means %i", (reply, code) => {
  expect(exitCodeOfReply(replyLine(reply))).toBe(code);
});

test.each([
  ["550 5.1.1 No address for ann; add it to recipients.aliases", 67],
  ["554 no service here", 69],
  ["550 5.1.10 null MX", 65],
  ["421 try again", 75],
  ["", 69],
])("%j of whatever listens there means %i", (line, code) => {
  expect(exitCodeOfReply(line)).toBe(code);
});
