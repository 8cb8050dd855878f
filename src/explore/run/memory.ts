import type { Baseline } from './baseline.ts';
import type { Definitions } from './definitions.ts';
import type { StoredSettings } from './role-settings.ts';

/** What each order begins with, as it was when the setup had run. */
export interface Memory {
  readonly baseline: Baseline;
  readonly definitions: Definitions;
  readonly settings: readonly StoredSettings[];
  /** Tables whose writes are not split into phases. */
  readonly whole: readonly string[];
}
