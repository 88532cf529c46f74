/** Configs and worlds for doctor to look at: one that is right, to be varied. */
import { join } from "node:path";
import { readConfig } from "../../../src/config/load.ts";
import { type Patient, patientOf } from "../../../src/doctor/patient.ts";
import type { Ports } from "../../../src/doctor/ports.ts";
import { folderWith, goodConfig } from "../config/folder.ts";

/** What doctor makes of a config file; its password file is beside it. */
export function patientWith(config = goodConfig, modes: Readonly<Record<string, number>> = {}): Patient {
  const folder = folderWith({ "sluice.yaml": config, password: "correct horse\n" }, modes);
  return patientOf(readConfig(join(folder, "sluice.yaml"), {}, "looked-at"));
}

/** A world in which nothing is to be had. */
export function emptyWorld(changes: Partial<Ports> = {}): Ports {
  return {
    lookup: async () => ({ ok: false, why: "ENOTFOUND" }),
    txt: async () => ({ kind: "none" }),
    reach: async () => ({ ok: false, code: "ECONNREFUSED" }),
    synchronised: async () => undefined,
    askAgent: async () => ({ agent: "not running" }),
    nowMs: Date.now,
    ...changes,
  };
}
