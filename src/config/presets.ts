/**
 * What is published about relay services, so that `upstream.service` says it all.
 *
 * Promises: a preset only fills keys that the config file leaves out; every key overrides it.
 * Refuses: ciphers that are broken (RC4-SHA, DES-CBC3-SHA), although the service lists them.
 */
import type { ReplySetting } from "./reply-rules.ts";

/** The facts of one relay service; `hosts` in the order to be tried. */
export interface Preset {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly security: "starttls" | "tls";
  /** OpenSSL list for TLS 1.2. */
  readonly ciphers: string;
  /** What the SPF record of each envelope sender's domain must include. */
  readonly spfInclude: string;
  /** The addresses the service publishes for firewalls. */
  readonly publishedAddresses: readonly string[];
  /** What its replies mean by their words; after those of the config. */
  readonly replies: readonly ReplySetting[];
}

const PROOFPOINT_CIPHERS = [
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-SHA384",
  "ECDHE-RSA-AES128-SHA256",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-RSA-AES128-SHA",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
  "AES256-SHA256",
  "AES128-SHA256",
  "AES256-SHA",
  "AES128-SHA",
].join(":");

const proofpoint = {
  port: 587,
  security: "starttls",
  ciphers: PROOFPOINT_CIPHERS,
  spfInclude: "_spf.wiscmail.wisc.edu",
  replies: [], // the service publishes none of its replies
} as const;

const PRESETS: ReadonlyMap<string, Preset> = new Map<string, Preset>([
  [
    "proofpoint-ser",
    {
      ...proofpoint,
      hosts: ["smtp-us.ser.proofpoint.com"],
      publishedAddresses: ["34.225.17.174", "52.202.205.232", "54.68.130.227", "52.89.187.57"],
    },
  ],
  [
    "proofpoint-ser-v1",
    {
      ...proofpoint,
      hosts: ["authnz.proofpoint.com"],
      publishedAddresses: ["205.220.188.149", "205.220.188.159", "205.220.188.163"],
    },
  ],
]);

/** The keys under `upstream` that a preset fills. */
export const presetKeys = ["hosts", "port", "security", "ciphers"] as const satisfies (keyof Preset)[];

/** The names `upstream.service` knows. */
export const serviceNames: readonly string[] = [...PRESETS.keys()];

/** The preset of that name, or undefined. */
export function presetOf(service: string): Preset | undefined {
  return PRESETS.get(service);
}
