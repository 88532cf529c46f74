/** The whole path for a test (relay-process.ts); everything is gone when the test ends. */
import { onTestFinished } from "vitest";
import { type RelayOptions, RelayProcess } from "./relay-process.ts";

export type Relay = RelayProcess;

export const Relay = {
  /** Starts simulator and agent. */
  async start(options: RelayOptions = {}): Promise<RelayProcess> {
    const relay = await Relay.prepare(options);
    await relay.up();
    return relay;
  },

  /** The same, without starting the agent. */
  async prepare(options: RelayOptions = {}): Promise<RelayProcess> {
    const relay = await RelayProcess.prepare(options);
    onTestFinished(() => relay.close());
    return relay;
  },
};
