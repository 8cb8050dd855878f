import { type RegisteredVariant, redisNeedsOf, type Strategy } from '../contract/index.ts';
import type { NamedStrategy } from './both.ts';

/** What is asked for, and what the asker takes upon themselves. */
export interface Asked {
  readonly from: NamedStrategy;
  readonly to: NamedStrategy;
  readonly variant: Pick<RegisteredVariant, 'wordings' | 'effect'>;
  /** In a lab: `to` may be a hazard. */
  readonly hazardAllowed: boolean;
  /** The asker knows that the change guards our records, not what happens elsewhere. */
  readonly outsideAcknowledged: boolean;
}

/** How a change from one strategy to another can be made. */
export interface Way {
  /** `direct`: group by group, behind the proof of the epoch; nobody decides under both. */
  readonly way: 'direct' | 'impossible';
  readonly because: string;
  /** What has to be there first. */
  readonly needs: readonly string[];
}

/**
 * Whether keys can be moved from the one to the other. Any two strategies can take turns behind the gate,
 * as long as each protects its work until COMMIT: that is where the gate opens. Pure.
 */
export function wayOf(asked: Asked): Way {
  const { from, to } = asked;
  const because = reasonAgainst(asked);
  if (because !== undefined) return { way: 'impossible', because, needs: [] };
  return {
    way: 'direct',
    because: `no transaction under '${from.name}' runs on a group of keys when '${to.name}' takes it over`,
    needs: needsOf(to.declared, from.declared),
  };
}

function reasonAgainst(asked: Asked): string | undefined {
  const { from, to, variant } = asked;
  if (from.name === to.name) return `both are '${from.name}'`;
  for (const { name, declared } of [from, to]) {
    if (!variant.wordings.includes(declared.wording))
      return `'${name}' needs the wording '${declared.wording}', which this variant does not have`;
    const early = declared.turns.some(turn => turn.until !== 'commit');
    if (early && !(asked.hazardAllowed && declared.hazard))
      return `'${name}' gives its lock back before COMMIT: what it protects does not end with the transaction`;
  }
  const { hazard } = to.declared;
  if (hazard && !asked.hazardAllowed)
    return `'${to.name}' is a hazard (${hazard.why}); take '${hazard.cure}', or set "lab": true to see it fail`;
  if (variant.effect === 'outside' && !asked.outsideAcknowledged)
    return (
      'this variant has an effect outside the database, which no transaction guards: use a variant with an ' +
      'idempotency key or an outbox, or set "acknowledge": "effects outside"'
    );
  return undefined;
}

function needsOf(to: Strategy, from: Strategy): string[] {
  const { migration } = to.adoption;
  const needs: string[] = [];
  if (migration !== 'none' && migration !== from.adoption.migration)
    needs.push(`a migration: ${migration}`);
  const [own, known] = [redisNeedsOf(to), redisNeedsOf(from)];
  if (own.one && !known.one) needs.push('REDIS_URL in every process');
  if (own.several && !known.several) needs.push('REDIS_NODES in every process');
  return needs;
}
