/** What the service counted that may void a claim. Pure. */
import type { ServiceDelta } from './shapes.ts';

/** A lost lease may be counted by its watchdog and again by its release: take the larger count. */
export function leasesLostIn({ leasesLost, releases }: ServiceDelta): number {
  return Math.max(leasesLost, releases.lost ?? 0);
}

/** Turns that were lost, also those that only their attempt noticed, or whose end is unknown. */
export function turnsLostIn(service: ServiceDelta): number {
  const { releases, failures } = service;
  return Math.max(leasesLostIn(service), failures['turn-lost'] ?? 0) + (releases.unknown ?? 0);
}
