/**
 * `sluice config`: the config in effect and where each value comes from; the example file, JSON Schema and manual.
 *
 * Promises: what it prints is a config file that says the same; passwords are not even read.
 * Refuses: to print the values of a broken config; it prints the problems instead (exit code 78).
 */
import { type Command, Option } from "commander";
import { effectiveJson, effectiveText } from "../config/effective.ts";
import { exampleFile } from "../config/example.ts";
import { loadPublicConfig } from "../config/load.ts";
import { jsonSchema, manual } from "../config/manual.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { jsonText } from "./json.ts";

const EXAMPLE = `
Examples:
  sluice config                                    what is in effect, with the origin of each value
  sluice config --example > /etc/sluice/sluice.yaml
  sluice config --json | jq .limits.messageSize    sizes in bytes, durations in seconds`;

interface Options extends ConfigOptions {
  json?: true;
  example?: true;
  schema?: true;
  markdown?: true;
}

/** Adds the command. */
export function registerConfig(program: Command): void {
  withConfigOption(program.command("config"))
    .description("print the effective config, annotated, secrets masked")
    .option("--json", "print one JSON document")
    .addOption(
      new Option("--example", "print the commented example file").conflicts(["schema", "markdown", "json"]),
    )
    .addOption(new Option("--schema", "print the JSON Schema of the config file").conflicts(["markdown"]))
    .addOption(new Option("--markdown", "print docs/config.md").hideHelp())
    .addHelpText("after", EXAMPLE)
    .action((options: Options) => {
      process.stdout.write(output(options));
    });
}

function output(options: Options): string {
  if (options.example) return exampleFile();
  if (options.schema) return `${jsonText(jsonSchema())}\n`;
  if (options.markdown) return manual();
  const { config, origins } = loadOrEnd(loadPublicConfig, options);
  return options.json ? `${jsonText(effectiveJson(origins))}\n` : effectiveText(config.file, origins);
}
