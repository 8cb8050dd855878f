/**
 * Whether something happens more often under the new strategy than under the old one, watched all the
 * while: a product of e-values. Pure.
 *
 * For two proportions, after Turner, Ly and Grünwald (https://arxiv.org/abs/2106.02693). A block has n
 * commands of the one arm and m of the other. The bet is that the proportions are a and b; c is their mean,
 * weighted by n and m. A command that was so multiplies the value by a/c or b/c, another one by (1-a)/(1-c)
 * or (1-b)/(1-c). If both have one proportion p, whatever it is, the mean of the product is at most
 * exp(n(a-c)x + m(b-c)x) = 1 with x = (p-c)/(c(1-c)), and less where the new one has fewer. So the value
 * exceeds 20 at any look, ever, with a probability of at most 1/20 (Ville), as long as a and b are chosen
 * before the block is seen.
 */

/** Of so many commands, so many were so. */
export interface Count {
  readonly hits: number;
  readonly all: number;
}

/** What was seen of both arms at the same time. */
export interface Block {
  readonly old: Count;
  readonly new: Count;
}

/** All blocks until now, and the logarithm of what each way of betting has made of them. */
export interface Evidence extends Block {
  readonly logs: readonly number[];
}

/** How much of the difference seen so far is bet on: who bets all of it loses too much when it is chance. */
const shares = [0.25, 0.5, 1] as const;

export const noEvidence: Evidence = {
  old: { hits: 0, all: 0 },
  new: { hits: 0, all: 0 },
  logs: shares.map(() => 0),
};

/**
 * With one more block. `tolerated`: by so much (of all commands that were not so under the old one) the new
 * one may be worse. Where a block has only one arm, nothing can be compared: keep it until it has both.
 */
export function weighed(before: Evidence, block: Block, tolerated = 0): Evidence {
  return {
    old: sum(before.old, block.old),
    new: sum(before.new, block.new),
    logs: before.logs.map((log, index) => log + gain(before, block, tolerated, shares[index] ?? 0)),
  };
}

/** The mean over the ways of betting: an e-value as each of them is. */
export function eValueOf({ logs }: Evidence): number {
  return logs.reduce((total, log) => total + Math.exp(log), 0) / logs.length;
}

/** The logarithm of what a block multiplies a bet by; 0 where nothing speaks against the new one so far. */
function gain(before: Evidence, block: Block, tolerated: number, share: number): number {
  if (before.new.all === 0) return 0;
  const [n, m] = [block.old.all, block.new.all];
  const old = tolerant(proportion(before.old, 0.5), tolerated);
  const now = proportion(before.new, old);
  if (now <= old || n + m === 0) return 0;
  const mean = (n * old + m * now) / (n + m);
  const spread = mean * (1 - mean);
  // linear in what was seen, so that a tolerated excess can be added to it
  const factor = (bet: number, seen: number): number =>
    1 + (share * (bet - mean) * (seen - mean)) / spread;
  const logOf = ({ hits, all }: Count, bet: number, other: number): number =>
    hits * Math.log(factor(bet, 1)) + (all - hits) * Math.log(factor(bet, other));
  return logOf(block.old, old, tolerated) + logOf(block.new, now, 0);
}

/** Pulled to `usual`, with the weight of one command: a few commands say little. */
function proportion({ hits, all }: Count, usual: number): number {
  return (hits + usual) / (all + 1);
}

function tolerant(proportion: number, tolerated: number): number {
  return proportion + tolerated * (1 - proportion);
}

function sum(a: Count, b: Count): Count {
  return { hits: a.hits + b.hits, all: a.all + b.all };
}
