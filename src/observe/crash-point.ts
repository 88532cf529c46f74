/**
 * The places where a crash is most worth trying, in the order in which a message comes by them.
 *
 * Promises: nothing happens here, in the product: no environment is read, there is no switch. The crash suite puts
 * another module in the place of this one (test/support/crash-hook.mjs), which ends the process with SIGKILL.
 * Refuses any name that is not in the list below: the suite has a test for each.
 */

export type CrashPoint =
  /** The bytes are given to the system, not yet synced. */
  | "spool-written"
  /** The file is synced, under its name of a part. */
  | "spool-synced"
  /** Renamed; the folder is not yet synced. */
  | "spool-renamed"
  /** In custody; 250 is not yet said. */
  | "custody"
  /** 250 is said. */
  | "replied"
  /** The message has its job. */
  | "queued"
  /** The job is active; MAIL is not yet said. */
  | "fetched"
  /** All but the final dot is said. */
  | "before-dot"
  /** The final dot is said, no reply heard. */
  | "dot-said"
  /** The reply is heard, not yet written down. */
  | "reply-read"
  /** Its outcome is on disk, not yet in the journal. */
  | "recorded"
  /** In the journal; the spool file is still there. */
  | "journaled"
  /** The spool file is gone; the job is still active. */
  | "unlinked"
  /** The job is completed. */
  | "completed"
  /** A notice is in custody, its message does not know it yet. */
  | "notice-spooled"
  /** The message knows its notice. */
  | "noticed"
  /** Policy was run again: the new file is synced, under its name of a part. */
  | "replacement-synced"
  /** The new file stands in the old one's place; the folder is not yet synced, the job is where it was. */
  | "replaced"
  /** Recovery is about to look at some files, and to make the jobs that they lack. */
  | "recovering";

/** The process may die here. Before the step that follows, after the one before. */
export function crashPoint(_name: CrashPoint): void {}
