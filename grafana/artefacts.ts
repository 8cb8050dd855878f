import { metricsDocument } from '../src/telemetry/document.ts';

/** Every file that is generated from the metrics table, by its path from the project's root. */
export function artefacts(): ReadonlyMap<string, string> {
  return new Map([['docs/metrics.md', metricsDocument()]]);
}
