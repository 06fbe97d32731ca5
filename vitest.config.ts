import { defineConfig } from "vitest/config";

const common = { testTimeout: 30_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    reporters: ["default", "./scripts/count-reporter.ts"],
    projects: [
      {
        test: {
          ...common,
          name: "packages",
          include: ["packages/*/test/**/*.test.ts"],
          pool: "threads",
          isolate: false,
        },
      },
      {
        test: { ...common, name: "whole", include: ["test/**/*.test.ts"], pool: "forks" },
      },
    ],
  },
});
