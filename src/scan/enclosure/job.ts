import type { Recording } from '../record/recording.ts';
import type { ScanResult } from '../result.ts';
import type { RedisKey } from '../subject.ts';

/** What the worker in the enclosure is told; the channel carries Buffers and Maps. */
export interface Job {
  readonly recording: Recording;
  /** The servers as they are named outside, in the order of the relay's targets: Postgres first. */
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
  /** `host:port`, behind the servers in the relay's targets. */
  readonly allowHosts: readonly string[];
  readonly start: { readonly template: string; readonly redis: readonly RedisKey[] };
  readonly secondsMax: number;
  readonly preemptions: number;
  readonly exploreCleared: boolean;
  readonly whatIf: boolean;
}

export interface JobProgress {
  readonly done: number;
  readonly all: number;
  readonly text: string;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'result'; readonly result: ScanResult }
  | { readonly kind: 'failed'; readonly message: string };

export type ToWorker = { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'abort' };
