/** The limits of a load run's figures. Printed with every report. `k6Cores`: measured in this run. */
export const limitsOfNumbers = (k6Cores: string): readonly string[] => [
  'Load generator, service, Postgres and Redis share one machine: read the ratios within one run; do not compare milliseconds between runs.',
  `k6 itself took ${k6Cores} and blurs what it measures: strategies are compared by the service’s own histograms; k6 provides load, drops and duplicates.`,
  'Coordinated omission: in the open workloads latency is measured from sending, so a command without a free caller counts as dropped, not as slow; with dropped commands a percentile is a lower bound. In the closed workloads a slow answer delays the next command: their rates are throughput, and their percentiles say nothing about a given arrival rate.',
  'The intervals are those of means over a few repetitions in one session on one machine. They do not cover another machine, a colder cache or a fuller disk.',
  'Network, replication and fsync of a real deployment are missing: a round trip stays on this machine, and a flush takes as long as on this disk.',
  'Zero violations in n keys is a bound, not a proof; the explorer visits orders that load does not produce.',
];
