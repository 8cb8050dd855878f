/** The default metrics of prom-client that dashboards and rules use. */
export const runtimeMetrics = {
  process_cpu_seconds_total: 'CPU time, summed over all processes.',
  process_resident_memory_bytes: 'Resident memory, summed over all processes.',
  process_open_fds: 'Open file descriptors.',
  nodejs_eventloop_lag_p99_seconds: 'Event loop lag, 99th percentile; the mean over the processes.',
  nodejs_eventloop_lag_max_seconds: 'Maximum event loop lag of the worst process.',
  nodejs_heap_size_used_bytes: 'Heap in use.',
  nodejs_gc_duration_seconds: 'Garbage collection time, by kind.',
} as const;
