import { dependsOnOthers, type Meeting, transcriptsOf } from './meeting.ts';
import type { Alone, Solo } from './run/alone.ts';
import { keyName, type UsedKey } from './run/redis-use.ts';
import type { Seen } from './seen.ts';

const labelCharactersMax = 70;

/** Who waited for whom, as the orders themselves show. */
export function waitsOf({ waits, actors }: Seen): readonly Meeting[] {
  return waits.map(({ actor, on, label, order }) => {
    const [waiter, other] = [actors[actor] ?? '', actors[on] ?? ''];
    const how = label.startsWith('receives ')
      ? `${waiter} was sent a message by ${other} (${short(label)})`
      : `${waiter} waited for ${other} at ${short(label)}`;
    return { actors: [actor, on], how, order };
  });
}

/**
 * How the callers met. Where not everybody waited or was waited for, each runs alone, twice: what it
 * is told in an order can differ from that only because of the others, and what it writes alone may
 * be what another writes, too.
 */
export async function meetingsOf(alone: Alone, seen: Seen): Promise<readonly Meeting[]> {
  const found = [...waitsOf(seen)];
  const unmet = (): number[] => {
    const met = new Set(found.flatMap(one => one.actors));
    return [...seen.actors.keys()].filter(at => !met.has(at));
  };
  if (seen.actors.length < 2 || unmet().length === 0) return found;
  const pairs: Pair[] = [];
  for (const actor of seen.actors.keys()) {
    pairs.push({ first: await alone.run(actor, false), again: await alone.run(actor, true) });
  }
  for (const actor of unmet()) found.push(...answersOf(seen, actor, pairs[actor]));
  if (unmet().length > 0)
    found.push(...shared(seen.actors, await Promise.all(pairs.map(usesOf(alone)))));
  return found;
}

/** The same actor alone, twice. */
interface Pair {
  readonly first: Solo;
  readonly again: Solo;
}

/** Orders in which this actor got other answers than alone; one for each of the others. */
function answersOf(seen: Seen, actor: number, pair: Pair | undefined): readonly Meeting[] {
  if (pair === undefined) return [];
  const alone = transcriptsOf(pair.first.lines, actor);
  const again = transcriptsOf(pair.again.lines, actor);
  const found = new Map<string, Meeting>();
  for (const order of seen.different(actor)) {
    const { lines } = order.record;
    const label = dependsOnOthers(alone, again, transcriptsOf(lines, actor));
    if (label === undefined) continue;
    const at = lines.findIndex(line => line.actor === actor && line.label.endsWith(label));
    const before = new Set(lines.slice(0, at < 0 ? lines.length : at).map(line => line.actor));
    const others = [...before].filter(one => one !== undefined).filter(one => one !== actor);
    const actors = others.length === 1 ? [actor, ...others] : [actor];
    const how = `what ${seen.actors[actor]} was told at ${short(label)} depends on the order`;
    found.set(actors.join(), { actors, how, order });
  }
  const certain = [...found.values()].filter(({ actors }) => actors.length > 1);
  return certain.length > 0 ? certain : [...found.values()];
}

/** What one actor uses when it runs alone: by name, and whether it writes it. */
type Uses = ReadonlyMap<string, boolean>;

function usesOf(alone: Alone): (pair: Pair) => Promise<Uses> {
  return async ({ first, again }) => {
    const uses = new Map<string, boolean>();
    // A key from a sequence differs between the two runs: no other caller would have chosen it.
    for (const row of first.written) if (again.written.has(row)) uses.set(row, true);
    for (const key of first.keys) if (again.keys.has(key)) uses.set(key, true);
    for (const sent of first.sent) {
      const keys: readonly UsedKey[] = await alone.keysOf(sent);
      for (const { key, writes } of keys) {
        const name = keyName(key, sent.store, sent.database);
        uses.set(name, writes || (uses.get(name) ?? false));
      }
    }
    return uses;
  };
}

/** What two actors use and one of them writes. */
function shared(actors: readonly string[], uses: readonly Uses[]): readonly Meeting[] {
  return uses.flatMap((own, at) =>
    uses.slice(at + 1).flatMap((others, after) => {
      const other = at + 1 + after;
      const [a, b] = [actors[at] ?? '', actors[other] ?? ''];
      const both = [...own].find(([one, writes]) => others.has(one) && (writes || others.get(one)));
      if (both === undefined) return [];
      const [what, writes] = both;
      const who = writes && others.get(what) ? 'both wrote it' : `${writes ? a : b} wrote it`;
      return [{ actors: [at, other], how: `${a} and ${b} used ${what}, and ${who}` }];
    }),
  );
}

function short(label: string): string {
  const cut = label.length > labelCharactersMax;
  return `\`${cut ? `${label.slice(0, labelCharactersMax - 1)}…` : label}\``;
}
