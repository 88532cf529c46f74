/**
 * A good config file in a folder of its own, its state folder beside it.
 */
import { join } from "node:path";
import { folderWith, goodConfig } from "../config/folder.ts";

/** Its path; `more`: lines added to it. */
export function configFile(more = ""): string {
  return join(folderWith({ "sluice.yaml": `${goodConfig}stateDir: state\n${more}` }), "sluice.yaml");
}
