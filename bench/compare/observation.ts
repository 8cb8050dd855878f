/** Derives the observation from a cell's raw data. Pure. */

import { turnsLostIn } from '../lab/losses.ts';
import type { Audit } from '../lab/shapes.ts';
import type { Observation } from '../lab/verdict.ts';
import { isUnfilled } from './phase-summary.ts';
import { type Cell, noAnswer, type Phase, phasesIn, type Round } from './schema.ts';

/** What was observed in a cell that was run. */
export function observationOf(cell: Cell): Observation {
  const phases = phasesIn(cell);
  const services = phases.map(phase => phase.service);
  const rounds = contestedRounds(cell);
  const contested = new Set(rounds.map(round => round.key));
  const calls = rounds.flatMap(round => round.calls);
  const audits = auditsOf(cell);
  const { stuck = [], unanswered = 0 } = cell.asked ?? {};
  const keysHit = new Set([
    ...audits.flatMap(audit => audit.violations.map(row => row.key)),
    ...stuck,
  ]);
  return {
    keys: rounds.length,
    commands: calls.length,
    commandsMet: calls.filter(call => call.met).length,
    keysDecided: rounds.filter(round => round.decidedMs !== null).length,
    keysOverlapped: rounds.filter(round => round.overlapped).length,
    keysTested: rounds.filter(isTested).length,
    keysDecidedTogether: rounds.filter(round => round.decidedTogether).length,
    keysUnfilled: rounds.filter(isUnfilled).length,
    keysHit: keysHit.size,
    keysHitElsewhere: [...keysHit].filter(key => !contested.has(key)).length,
    findings: audits.reduce((total, audit) => total + audit.findings, stuck.length),
    lostAcknowledgements: audits
      .flatMap(audit => audit.violations)
      .filter(row => row.kind === 'lost acknowledgement').length,
    turnsLost: services.reduce((total, service) => total + turnsLostIn(service), 0),
    effectsWithoutRecord: services.reduce((sum, service) => sum + service.effectsWithoutRecord, 0),
    ...(cell.asked !== undefined && { asked: cell.asked?.asked ?? null }),
    stuck: stuck.length,
    unanswered,
    settled: audits.every(audit => audit.settled),
    audited: audits.length > 0,
    counted: phases.every(isCounted),
  };
}

/**
 * The rounds that count for “0 of n”. Those of the warm-ups do not, since some cells have more of them
 * than others; what the audit finds in them counts like everything else.
 */
function contestedRounds({ repetitions }: Cell): Round[] {
  return repetitions.flatMap(one => one.contested.rounds);
}

/** Every audit of a cell; none if the run ended before. */
export function auditsOf({ audit }: Cell): Audit[] {
  return audit ? Object.values(audit) : [];
}

/** Who is accepted alone, while the others meet each other before or after, proves nothing. */
function isTested({ overlapped, calls }: Round): boolean {
  return overlapped && calls.some(call => call.met && call.outcome === 'accepted');
}

/** Whether the service counted every command it answered; otherwise its counters prove nothing. */
function isCounted(phase: Phase): boolean {
  const calls = phase.rounds.flatMap(round => round.calls);
  const answered = calls.filter(call => call.detail !== noAnswer).length;
  const commands = Object.values(phase.service.commands);
  return commands.reduce((total, { count }) => total + count, 0) >= answered;
}
