/** A `Kept` in memory: what one owner puts, the next finds, as if over a restart. */
export function fakeKept(sections: Record<string, unknown> = {}) {
  return {
    section: (name: string) => JSON.parse(JSON.stringify(sections[name] ?? null)) ?? undefined,
    put: async (name: string, value: unknown) => {
      sections[name] = value;
    },
    note: (name: string, value: unknown) => {
      sections[name] = value;
    },
  };
}
