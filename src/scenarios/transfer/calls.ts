import type { Contention, ScenarioCalls } from '../calls.ts';

/** Every tenth wallet has payments both ways; with unsorted locks each of these costs seconds. */
const bothWaysEvery = 10;
/** In these, every fourth rival pays back. */
const paysBackEvery = 4;

/** More than all calls together could pay back, with at most a cent per rival each. */
const smallestCents = ({ rivals, calls: sent }: Contention): number => rivals * sent;

/** What each of the two cards of a wallet holds at first. */
export function balanceCents(contention: Contention): number {
  const largestCents = smallestCents(contention) + contention.rivals - 1;
  return calls.capacity(contention) * largestCents;
}

/** With few rivals, the last one pays back; a single rival does not. */
function paysBack(rival: number, { kind, rivals }: Contention): boolean {
  if (kind !== 'opposite') return false;
  if (rivals < paysBackEvery) return rival > 0 && rival === rivals - 1;
  return rival % paysBackEvery === paysBackEvery - 1;
}

/**
 * Payments between the two cards of a wallet. In most, all rivals pay in the same direction from a
 * card with enough for half of them, in any order; in the others some pay back, and there is enough
 * for all. The amounts of a round differ, and the total paid back is less than any single payment,
 * so that lost updates cannot cancel each other out.
 */
export const calls: ScenarioCalls = {
  exhaustedReasons: [], // of the wallet; what a refusal says of the card that should pay is in its call
  kindOf: index => (index % bothWaysEvery === bothWaysEvery - 1 ? 'opposite' : 'plain'),
  capacity: contention =>
    contention.kind === 'opposite' ? contention.calls : Math.ceil(contention.rivals / 2),
  makeKey(_index, contention) {
    const balance = balanceCents(contention);
    return { path: '/wallets', body: { balancesCents: [balance, balance] } };
  },
  listed: 'cards',
  call({ id, ids: [payer = '', payee = ''] }, rival, contention) {
    const [fromCardId, toCardId, amountCents] = paysBack(rival, contention)
      ? [payee, payer, rival + 1]
      : [payer, payee, smallestCents(contention) + rival];
    const body = { fromCardId, toCardId, amountCents };
    const refusal = { reason: 'insufficient balance', id: `${id}/${fromCardId}/${amountCents}` };
    return { path: '/transfers', body, actor: String(amountCents), refusal };
  },
};
