/**
 * A folder of its own for a test that needs config and password files; removed when the test is over.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Makes a folder with these files (mode 0600, or as `modes` says); gives its path. */
export function folderWith(
  files: Readonly<Record<string, string | Buffer>>,
  modes: Readonly<Record<string, number>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    // Said again, because the umask has a word in what writeFileSync makes.
    chmodSync(join(folder, name), modes[name] ?? 0o600);
  }
  return folder;
}

/** A config that is right, to be varied. */
export const goodConfig = `hostname: app01.lab.wisc.edu
upstream: { service: proofpoint-ser }
accounts:
  - name: portal
    username: 6f1c2c1e
    passwordFile: password
    senders:
      - portal@lab.wisc.edu
      - { envelope: bounces@lab.wisc.edu, header: news@lab.wisc.edu }
    pace: { perHour: 2000 }
`;
