import type { Subject } from './run/stage.ts';
import type { ExploreOptions } from './settings.ts';

/** A `race.config.ts`: what to explore, and how far; the servers come from the environment. */
export interface Race extends Subject, Omit<ExploreOptions, 'servers' | 'progress'> {
  readonly title?: string;
}

/** Gives a `race.config.ts` its types. */
export function race(config: Race): Race {
  return config;
}
