/**
 * Ways to write a From field so that two readers see two senders; after espoofer's classes, texts our own.
 *
 * `ok` stands for an address that policy allows, `evil` for one that it does not. Strings are latin1 bytes.
 */

export const ok = "portal@lab.wisc.edu";
export const evil = "boss@evil.example";

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const base64 = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;

/** Values of one From field that must be refused. */
export const refusedValues: Readonly<Record<string, string>> = {
  "two mailboxes": `${evil}, ${ok}`,
  "two mailboxes with names": `Boss <${evil}>, Portal <${ok}>`,
  "two mailboxes, semicolon": `${evil};${ok}`,
  "two angle addresses": `<${ok}><${evil}>`,
  "two angle addresses with names": `Portal <${ok}> Boss <${evil}>`,
  "an address in front of an angle address": `${evil} <${ok}>`,
  "an address behind an angle address": `<${ok}> ${evil}`,
  "nested angle brackets": `<<${evil}>${ok}>`,
  "an unclosed angle bracket": `Portal <${ok}`,
  "an unopened angle bracket": `${ok}>`,
  "a group": `staff: ${ok};`,
  "an empty group": "undisclosed-recipients:;",
  "a group around the other": `x:${evil};,${ok}`,
  "a source route": `<@evil.example:${ok}>`,
  "a source route of two": `<@a.example,@b.example:${ok}>`,
  "a comment before": `(${evil}) ${ok}`,
  "a comment inside the address": `portal(${evil})@lab.wisc.edu`,
  "a comment inside the brackets": `<${ok}(x)>`,
  "a nested comment": `${ok} (a (${evil}))`,
  "an escaped parenthesis in a comment": `${ok} (a \\) <${evil}>)`,
  "a quote in a comment": `${ok} (" <${evil}> )`,
  "a comment after brackets": `<${ok}> (<${evil}>)`,
  "an encoded word for an address": base64(evil),
  "an encoded word with both": base64(`<${evil}>`),
  "an encoded local part": `=?utf-8?q?boss=40evil.example=2c?=@lab.wisc.edu`,
  "an encoded local part in brackets": `Portal <=?utf-8?q?portal?=@lab.wisc.edu>`,
  "an unclosed quote": `"Portal <${ok}>`,
  "a quote that another reader closes": `"Portal\\" <${evil}>, <${ok}>`,
  "two at signs": "portal@evil.example@lab.wisc.edu",
  "a space in the address": "portal @lab.wisc.edu",
  "a space after the at sign": "<portal@ lab.wisc.edu>",
  "a trailing dot": "portal@lab.wisc.edu.",
  "an empty local part": "@lab.wisc.edu",
  "an empty domain": "portal@",
  nothing: "",
  "empty brackets": "<>",
  "empty brackets with a name": "Portal <>",
  "an escape character": `Portal\x1b[31m <${ok}>`,
  "a vertical tab": `${ok}\x0b${evil}`,
  "a Unicode domain": utf8("portal@läb.wisc.edu"),
  "a homoglyph in the local part": utf8("pоrtal@lab.wisc.edu"),
  "a zero-width space in the domain": utf8("portal@lab.wisc\u200b.edu"),
  "a zero-width space before": utf8(`\u200b${ok}`),
  "a full-width at sign": utf8("portal＠lab.wisc.edu"),
  "a raw 8-bit local part": "p\xf6rtal@lab.wisc.edu",
  "a percent hack with a route": "<@lab.wisc.edu:boss%evil.example@lab.wisc.edu>",
  "a quoted local part with a bracket": `"<${evil}>"@lab.wisc.edu`,
  "a backslash outside quotes": `portal\\@evil.example <${ok}>`,
  "an unquoted comma in the name": `Wisc, Portal <${ok}>`,
};

/** Values that name the allowed address in an odd way: they pass, written anew, and the other address is gone. */
export const cleanedValues: Readonly<Record<string, string>> = {
  "another address as a quoted name": `"${evil}" <${ok}>`,
  "another angle address as a quoted name": `"<${evil}>" <${ok}>`,
  "another address with an escaped quote": `"x\\" <${evil}>, \\"y" <${ok}>`,
  "another address as a comment": `${ok} (${evil})`,
  "another angle address as a comment": `${ok} (<${evil}>)`,
  "another address as an encoded name, B": `${base64(evil)} <${ok}>`,
  "another address as an encoded name, Q": `=?utf-8?Q?boss=40evil.example?= <${ok}>`,
  "another address as an encoded name with a language": `=?utf-8*en?Q?boss=40evil.example?= <${ok}>`,
  "another address encoded inside quotes": `"${base64(evil)}" <${ok}>`,
  "an encoded word inside an encoded word": `${base64(base64(evil))} <${ok}>`,
  "an encoded word in UTF-7": `=?utf-7?Q?boss+AEA-evil.example?= <${ok}>`,
  "an encoded word in UTF-16": `=?utf-16le?B?${Buffer.from(evil, "utf16le").toString("base64")}?= <${ok}>`,
  "an encoded word that never ends": `=?utf-8?Q?boss=40evil.example <${ok}>`,
  "a line break in an encoded name": `=?utf-8?Q?x=0D=0AFrom=3A=20boss?= <${ok}>`,
  "a NUL in an encoded name": `=?utf-8?Q?boss=00?= <${ok}>`,
  "a full-width at sign in the name": utf8(`"boss＠evil.example" <${ok}>`),
  "a right-to-left override in the name": utf8(`"\u202eelpmaxe" <${ok}>`),
  "zero-width spaces in the name": utf8(`"bo\u200bss" <${ok}>`),
  "a line separator in the name": utf8(`"a\u2028From: b" <${ok}>`),
  "a very long name": `"${"x".repeat(2000)}" <${ok}>`,
  "the address twice, unquoted": `${ok} <${ok}>`,
  "brackets in the name": `[SYSTEM] Portal <${ok}>`,
  "the domain in capitals": "portal@LAB.Wisc.EDU",
};

/** Values that pass byte for byte. */
export const plainValues: Readonly<Record<string, string>> = {
  "an address": ok,
  "an address in brackets": `<${ok}>`,
  "a name": `Portal <${ok}>`,
  "a name without a space": `Portal<${ok}>`,
  "a quoted name": `"Wisc, Portal" <${ok}>`,
  "an empty quoted name": `"" <${ok}>`,
  "an escaped quote": `"The \\"new\\" Portal" <${ok}>`,
  "a name with a dot": `John Q. Public <${ok}>`,
  "parentheses in a quoted name": `"(Cron Daemon)" <${ok}>`,
  "its own address as a name": `"${ok}" <${ok}>`,
  "an encoded name": `=?utf-8?Q?J=C3=B6rg?= =?utf-8?B?TcO8bGxlcg==?= <${ok}>`,
  "an encoded name in latin1": `=?ISO-8859-1?Q?J=F6rg?= <${ok}>`,
  "a raw UTF-8 name": utf8(`Jörg Müller <${ok}>`),
  "a raw latin1 name": `"J\xf6rg M\xfcller" <${ok}>`,
  "a folded name": `=?utf-8?Q?J=C3=B6rg?=\r\n =?utf-8?Q?_Weber?=\r\n\t<${ok}>`,
  "a fold before the address": `\r\n ${ok}`,
};

/** Whole heads that must be refused. */
export const refusedHeads: Readonly<Record<string, string>> = {
  "two From fields": `From: ${ok}\r\nFrom: ${evil}\r\n\r\n`,
  "two From fields, one in capitals": `From: ${ok}\r\nFROM: ${evil}\r\n\r\n`,
  "two From fields, one with a space before the colon": `From: ${ok}\r\nFrom : ${evil}\r\n\r\n`,
  "a space before the colon": `Subject: x\r\nFrom : ${ok}\r\n\r\n`,
  "a space before the colon on the first line": `From : ${ok}\r\n\r\n`,
  "a tab before the colon": `From\t: ${ok}\r\n\r\n`,
  "a first line that begins with a space": ` From: ${evil}\r\nFrom: ${ok}\r\n\r\n`,
  "a first line that begins with a tab": `\tSubject: x\r\nFrom: ${ok}\r\n\r\n`,
  "a first line that begins with a space after a mailbox line": `From x\r\n From: ${evil}\r\n\r\n`,
  "a bare CR that hides a second From": `Subject: x\rFrom: ${evil}\r\nFrom: ${ok}\r\n\r\n`,
  "a bare LF that hides a second From": `Subject: x\nFrom: ${evil}\r\nFrom: ${ok}\r\n\r\n`,
  "a line of spaces before a second From": `From: ${ok}\r\n \r\nFrom: ${evil}\r\n\r\n`,
  "a line of a tab in From": `From: ${ok}\r\n\t\r\n ${evil}\r\n\r\n`,
  "a folded second mailbox": `From: ${ok},\r\n ${evil}\r\n\r\n`,
  "a folded second address": `From: ${ok}\r\n ${evil}\r\n\r\n`,
  "a NUL in From": `From: po\0rtal@lab.wisc.edu\r\n\r\n`,
  "a NUL in another field": `Subject: a\0b\r\nFrom: ${ok}\r\n\r\n`,
  "a NUL before the head": `\0From: ${ok}\r\n\r\n`,
  "a NUL in the empty line": `From: ${ok}\r\n\0\r\nFrom: ${evil}\r\n`,
};

/** Whole heads in which the other address is no identity: what goes out must have the allowed one only. */
export const harmlessHeads: Readonly<Record<string, string>> = {
  "a From in the body only": `Subject: x\r\n\r\nFrom: ${evil}\r\n`,
  "a From behind a junk line": `Subject: x\r\njunk\r\nFrom: ${evil}\r\n\r\n`,
  "a From behind a field without a name": `Subject: x\r\n: y\r\nFrom: ${evil}\r\n\r\n`,
  "a name folded before the colon": `From\r\n : ${evil}\r\n\r\n`,
  "a zero-width space in the name": `Subject: x\r\n${utf8("\u200b")}From: ${evil}\r\n\r\n`,
  "a soft hyphen in the name": `Subject: x\r\nFr${utf8("\u00ad")}om: ${evil}\r\n\r\n`,
  "an empty line first": `\r\nFrom: ${evil}\r\n\r\n`,
  "a bare CR as the empty line": `From: ${ok}\r\n\rFrom: ${evil}\r\n\r\n`,
  "CR CR LF as the empty line": `From: ${ok}\r\r\nFrom: ${evil}\r\n\r\n`,
  "a mailbox line": `From ${evil} Mon Jan  5 10:00:00 2026\r\nFrom: ${ok}\r\n\r\n`,
  "a quoted mailbox line": `>From ${evil} Mon Jan  5 10:00:00 2026\r\nFrom: ${ok}\r\n\r\n`,
  "two mailbox lines": `From ${evil} x\r\nFrom ${evil} y\r\nFrom: ${evil}\r\n\r\n`,
  "a mailbox line in the middle": `Subject: x\r\nFrom ${evil} y\r\nFrom: ${evil}\r\n\r\n`,
  "a Sender": `From: ${ok}\r\nSender: ${evil}\r\n\r\n`,
  "two Senders": `From: ${ok}\r\nSender: ${ok}\r\nSender: ${evil}\r\n\r\n`,
  "a Sender with a space before the colon": `From: ${ok}\r\nSender : ${evil}\r\n\r\n`,
  "a Sender with a list": `From: ${ok}\r\nSender: ${ok}, ${evil}\r\n\r\n`,
  "a Sender whose name is another address": `From: ${ok}\r\nSender: "${evil}" <${ok}>\r\n\r\n`,
  "a Resent-From": `Resent-From: ${evil}\r\nResent-To: x@y.example\r\nFrom: ${ok}\r\n\r\n`,
  "a Resent-Sender": `Resent-From: ${ok}\r\nResent-Sender: ${evil}\r\nFrom: ${ok}\r\n\r\n`,
  "a Resent-From in capitals, spaced": `RESENT-FROM : ${evil}\r\nFrom: ${ok}\r\n\r\n`,
};
