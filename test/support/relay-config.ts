/** The config of a relay in tests: one account, two pairs, everything else as a test asks for it. */

/** YAML in place of the defaults, or added to them. */
export interface RelayConfig {
  readonly config?: string;
  readonly pace?: string;
  readonly upstream?: string;
  readonly redis?: string;
  /** Default: a port that the system chooses. */
  readonly http?: string;
  /** Addresses that the account may send from besides those of the simulator's pairs. */
  /** A line of YAML that is added to the account. */
  readonly accountConfig?: string;
  readonly senders?: readonly string[];
}

/** The pairs that simulator and config know. */
export const PAIRS = [
  { envelope: "app@lab.example", header: "app@lab.example" },
  { envelope: "bounces@lab.example", header: "news@lab.example" },
];

/** sluice.yaml; the password and the simulator's authority are in the folder beside it. */
export function relayConfig(
  {
    config = "",
    pace = "unlimited",
    upstream,
    redis = "",
    http = '{ listen: "127.0.0.1:0" }',
    senders = [],
    accountConfig = "",
  }: RelayConfig,
  { stateDir, upstreamPort }: { readonly stateDir: string; readonly upstreamPort: number },
): string {
  const lines = [
    "hostname: app01.lab.example",
    `stateDir: ${stateDir}`,
    'listen: { addresses: ["127.0.0.1:0"] }',
    `http: ${http}`,
    redis,
    upstream ??
      `upstream: { hosts: [localhost], port: ${upstreamPort}, security: starttls, caFile: sandbox/ca.pem }`,
    "accounts:",
    "  - name: portal",
    "    username: portal-user",
    "    passwordFile: password",
    "    senders:",
    "      - app@lab.example",
    "      - { envelope: bounces@lab.example, header: news@lab.example }",
    ...senders.map((sender) => `      - ${sender}`),
    `    ${accountConfig}`,
    `    pace: ${pace}`,
    config,
  ];
  return lines.join("\n");
}
