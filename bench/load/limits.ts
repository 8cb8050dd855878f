/** What the figures of a bench cannot tell. Printed with every report. */
export const limitsOfNumbers: readonly string[] = [
  'Load generator, service, Postgres and Redis share one machine: read ratios within one run, never milliseconds of one run beside those of another.',
  'k6 itself takes 0.65 to 0.8 of a core here and hides differences below about 15 %: strategies are compared by the service’s own histograms; k6 is for load, drops and duplicates.',
  'Coordinated omission: in the open workloads latency runs from the send, so a command that waited for a free caller is counted as dropped and not as slow; where commands were dropped a percentile is a lower bound. In the closed workloads a slow answer delays the next command, so their rates say how fast callers get through, and their percentiles say nothing about a rate that the world would offer.',
  'Intervals are those of means over few repetitions on one machine in one sitting. They know nothing of another machine, a colder cache or a fuller disk.',
  'Network, replication and fsync of a real deployment are not here: every exchange takes about 0.1 ms, and a flush as long as this disk takes.',
  'Zero violations in n keys is a bound and no proof; the explorer visits orders that load does not meet.',
];
