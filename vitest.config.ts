// Three projects: `quick` needs nothing but Node, `redis` a redis-server, `e2e` the built program and real clients, a browser among them.
import { defineConfig } from "vitest/config";

const common = { environment: "node", include: [] as string[] } as const;

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
          name: "e2e",
          include: ["test/{e2e,crash,page}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          globalSetup: ["test/support/build.ts"],
        },
      },
    ],
  },
});
