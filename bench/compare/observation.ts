/** Derives the observation from a cell's raw data. Pure. */

import type { Audit } from '../lab/shapes.ts';
import type { Observation } from '../lab/verdict.ts';
import { isUnfilled } from './phase-summary.ts';
import { type Cell, noAnswer, type Round } from './schema.ts';

/** What was observed in a cell that was run. */
export function observationOf(cell: Cell): Observation {
  const services = cell.repetitions.flatMap(({ contested, uncontended }) => [
    contested.service,
    uncontended.service,
  ]);
  const rounds = cell.repetitions.flatMap(repetition => repetition.contested.rounds);
  const audits: readonly Audit[] = cell.audit ? [cell.audit.contested, cell.audit.uncontended] : [];
  const { stuck = [], unanswered = 0 } = cell.asked ?? {};
  const keysHit = new Set([
    ...audits.flatMap(audit => audit.violations.map(row => row.key)),
    ...stuck,
  ]);
  return {
    keys: rounds.length,
    keysDecided: rounds.filter(round => round.decidedMs !== null).length,
    keysOverlapped: rounds.filter(round => round.overlapped).length,
    keysTested: rounds.filter(isTested).length,
    keysUnfilled: rounds.filter(isUnfilled).length,
    keysHit: keysHit.size,
    findings: audits.reduce((total, audit) => total + audit.findings, stuck.length),
    lostAcknowledgements: audits
      .flatMap(audit => audit.violations)
      .filter(row => row.kind === 'lost acknowledgement').length,
    turnsLost: services.reduce((total, service) => total + turnsLostIn(service), 0),
    ...(cell.asked !== undefined && { asked: cell.asked?.asked ?? null }),
    stuck: stuck.length,
    unanswered,
    settled: audits.every(audit => audit.settled),
    audited: audits.length > 0,
    counted: cell.repetitions.every(
      ({ contested, uncontended }) => isCounted(contested) && isCounted(uncontended),
    ),
  };
}

function isTested({ overlapped, calls }: Round): boolean {
  return overlapped && calls.some(call => call.outcome === 'accepted');
}

/** Whether the service counted every command it answered; otherwise its counters prove nothing. */
function isCounted(phase: Cell['repetitions'][number]['contested']): boolean {
  const calls = phase.rounds.flatMap(round => round.calls);
  const answered = calls.filter(call => call.detail !== noAnswer).length;
  const commands = Object.values(phase.service.commands);
  return commands.reduce((total, { count }) => total + count, 0) >= answered;
}

/** A lost lease may be counted by its watchdog and again by its release: take the larger count. */
export function leasesLostIn(service: Cell['repetitions'][number]['contested']['service']): number {
  return Math.max(service.leasesLost, service.releases.lost ?? 0);
}

function turnsLostIn(service: Cell['repetitions'][number]['contested']['service']): number {
  return leasesLostIn(service) + (service.releases.unknown ?? 0);
}
