/**
 * sluice(8) from the help of the commands, sluice.yaml(5) from the table that the config schema prints: as roff.
 *
 * Promises: what a command or a key is, is written nowhere but in the program. Needs the built program.
 */
import { join } from "node:path";
import { must } from "./run.mjs";

/** `root` is the project's folder; gives the texts of both pages. */
export async function manPages(root, version) {
  const main = join(root, "dist", "main.js");
  const sluice = (...args) => must(`sluice ${args.join(" ")}`, process.execPath, [main, ...args]);
  return {
    "sluice.8": await commandsPage(sluice, version),
    "sluice.yaml.5": configPage(await sluice("config", "--markdown"), version),
  };
}

async function commandsPage(sluice, version) {
  const program = readHelp(await sluice("--help"));
  const lines = [
    `.TH SLUICE 8 "" "sluice ${version}" "System administration"`,
    ".SH NAME",
    "sluice \\- mail relay from localhost to an authenticated TLS upstream",
    ".SH SYNOPSIS",
    ".B sluice",
    "[\\fIcommand\\fR] [\\fIoptions\\fR]",
    ".SH DESCRIPTION",
    ...program.about.map(escaped),
    ".SH COMMANDS",
    ...(await commands(sluice, [], program)),
    ".SH EXIT STATUS",
    escaped(program.exitCodes),
    ".SH FILES",
    ...entry("/etc/sluice/sluice.yaml", "the config, see sluice.yaml(5)"),
    ...entry("/var/lib/sluice", "spool, journal, usage and the private Redis"),
    ...entry("/run/sluice/control.sock", "where commands reach the agent; for root and the group sluice"),
    ".SH SEE ALSO",
    ".BR sluice.yaml (5),",
    ".BR systemd.socket (5)",
  ];
  return `${lines.join("\n")}\n`;
}

/** A section for each command, and for each command of a command. */
async function commands(sluice, above, help) {
  const lines = [];
  for (const { term } of help.sections.Commands ?? []) {
    const name = term.split(" ")[0];
    if (name === "help") continue;
    const path = [...above, name];
    const page = readHelp(await sluice(...path, "--help"));
    const [first, ...rest] = page.usage;
    if (first.startsWith("sluice ")) lines.push(`.SS ${escaped(first)}`);
    else lines.push(`.SS sluice ${path.join(" ")}`, ".nf", ...[first, ...rest].map(escaped), ".fi", ".PP");
    lines.push(...page.about.map(escaped));
    const options = (page.sections.Options ?? []).filter(({ term: option }) => option !== "-h, --help");
    for (const each of [...(page.sections.Arguments ?? []), ...options])
      lines.push(...entry(each.term, each.text));
    if (page.example.length > 0) lines.push(".PP", ".nf", ...page.example.map(escaped), ".fi");
    lines.push(...(await commands(sluice, path, page)));
  }
  return lines;
}

/** The parts of what `--help` prints: two spaces, a term, two spaces or more, its text, which may go on below. */
function readHelp(text) {
  const page = { usage: [], about: [], sections: {}, example: [], exitCodes: "" };
  let section = "";
  for (const line of text.split("\n")) {
    const title = /^(\w+):\s?(.*)$/.exec(line);
    if (title?.[1] === "Usage") {
      page.usage.push(title[2]);
      section = "Usage";
    } else if (section === "Usage") {
      if (line.trim() === "") section = "";
      else page.usage.push(line.trim());
    } else if (line.startsWith("Exit codes: ")) page.exitCodes = line.slice("Exit codes: ".length);
    else if (title) section = title[1];
    else if (section === "Example" || section === "Examples") {
      if (line.trim() !== "") page.example.push(line);
    } else if (section === "" && !line.startsWith("  -")) {
      if (line.trim() !== "") page.about.push(line.trim());
    } else addLine(page.sections, section || "Options", line);
  }
  return page;
}

function addLine(sections, section, line) {
  sections[section] ??= [];
  const entries = sections[section];
  const begun = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line);
  const last = entries.at(-1);
  if (begun) entries.push({ term: begun[1], text: begun[2] ?? "" });
  else if (last && line.trim() !== "") last.text = `${last.text} ${line.trim()}`.trim();
}

function configPage(markdown, version) {
  const rows = [...markdown.matchAll(/^\| `([^`]+)` \| (.*?) \| (.*) \|$/gm)];
  if (rows.length === 0) throw new Error("There is no key in what `sluice config --markdown` prints.");
  const lines = [
    `.TH SLUICE.YAML 5 "" "sluice ${version}" "File formats"`,
    ".SH NAME",
    "sluice.yaml \\- the config of sluice",
    ".SH DESCRIPTION",
    escaped(
      "YAML. It holds no secret and may be readable by everybody; passwords are in files of their own.",
    ),
    escaped("`sluice config --example` prints a commented example, `sluice check` every problem of a file."),
    escaped("Sizes: 5MB is 5,000,000 bytes, 5MiB is 5,242,880. Durations: 30s, 10m, 1h, 4d."),
    escaped("Relative paths are relative to the folder of the file."),
    ".SH KEYS",
    ...rows.flatMap(([, key, standard, meaning]) => entry(key, `${plain(meaning)}${shown(plain(standard))}`)),
    ".SH SEE ALSO",
    ".BR sluice (8)",
  ];
  return `${lines.join("\n")}\n`;
}

function shown(standard) {
  if (standard === "") return "";
  return standard === "required" ? " Required." : ` Default: ${standard}`;
}

function plain(markdown) {
  return markdown.replace(/`/g, "").replace(/\\\|/g, "|").trim();
}

function entry(term, text) {
  return [".TP", `.B ${escaped(term)}`, escaped(text)];
}

/** groff(7): backslashes, hyphens that are to be copied, and dots and quotes that begin a line. */
function escaped(text) {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/, "\\&$1");
}
