// Three projects: `quick` needs nothing but Node, `redis` a redis-server, `e2e` the built program and real clients, a browser among them.
import { defineConfig } from "vitest/config";

const common = { environment: "node", include: [] as string[] } as const;
const whole = { testTimeout: 120_000, hookTimeout: 60_000, globalSetup: ["test/support/build.ts"] };
const ALONE = ["test/e2e/pacing.test.ts"];

export default defineConfig({
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        test: {
          ...common,
          name: "quick",
          include: ["test/architecture.test.ts", "test/{unit,golden,property}/**/*.test.ts"],
        },
      },
      {
        test: {
          ...common,
          name: "parts",
          include: ["test/{redis,wire}/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...common,
          ...whole,
          name: "e2e",
          include: ["test/{e2e,crash,page}/**/*.test.ts"],
          exclude: ALONE,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          ...whole,
          name: "alone",
          include: ALONE,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
