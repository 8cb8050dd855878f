/** How `bench` ends. Scripts depend on these numbers. */
export const benchExit = {
  done: 0,
  claimViolated: 1,
  usage: 2,
  incomplete: 3,
  k6Missing: 4,
  unreachable: 5,
  otherStrategy: 6,
  interrupted: 130,
} as const;

export type BenchExit = (typeof benchExit)[keyof typeof benchExit];
