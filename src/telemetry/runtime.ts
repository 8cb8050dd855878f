/**
 * What Node and the process tell about themselves, as far as dashboards and rules ask for it; all of
 * it is listed by prom-client.
 */
export const runtimeMetrics = {
  process_cpu_seconds_total: 'Time on the processor, all processes together.',
  process_resident_memory_bytes: 'Resident memory, all processes together.',
  process_open_fds: 'Open file descriptors.',
  nodejs_eventloop_lag_p99_seconds:
    'How late the event loop is, at its 99th percentile; the mean over the processes.',
  nodejs_eventloop_lag_max_seconds: 'How late the event loop was at most, of the latest process.',
  nodejs_heap_size_used_bytes: 'Heap in use.',
  nodejs_gc_duration_seconds: 'Time in garbage collection, by kind.',
} as const;
