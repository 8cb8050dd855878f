import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claimUnder, leftBehindBy, notOffered } from '../../../bench/faults/expected.ts';
import type { NamedFault } from '../../../bench/faults/fault.ts';
import { type Phase, phases, placeOf } from '../../../bench/faults/phases.ts';
import { cellsOf, groupsOf, type Planned, strategiesOf } from '../../../bench/faults/plan.ts';
import { controlFiles } from '../../../bench/faults/planned-run.ts';
import { faultsFolder, faultsNamed, loadFaults } from '../../../bench/faults/registry.ts';
import { loadRegistry } from '../../../src/engine/registry.ts';

const faults = await loadFaults();
const registry = await loadRegistry(controlFiles([...faults.values()]));
const strategy = (name: string) => {
  const found = registry.strategies.get(name);
  if (!found) throw new Error(`no strategy ${name}`);
  return found;
};
const fault = (name: string): NamedFault => faultsNamed(faults, [name])[0] as NamedFault;
const variant = registry.scenarios.get('gift-card')?.registered.variants.plain;
if (!variant) throw new Error('gift-card has no variant plain');
const claim = (name: string, under: string) =>
  claimUnder(fault(under), strategy(name).declared, variant).verdict;

describe('the folder of faults', () => {
  test('takes in a file that is put into it, under its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'faults-'));
    try {
      const from = join(faultsFolder, 'holder-killed.ts');
      await writeFile(join(folder, 'my-fault.ts'), `export { default } from '${from}';\n`);
      expect([...(await loadFaults(folder)).keys()]).toEqual(['my-fault']);
      await writeFile(join(folder, 'empty.ts'), 'export const nothing = 1;\n');
      await writeFile(join(folder, 'odd.ts'), "export default { title: 'odd.' };\n");
      await expect(loadFaults(folder)).rejects.toThrow(/empty\.ts[\s\S]*odd\.ts[\s\S]*full stop/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('every fault has a control that is predicted to be harmed, in a phase that it has', () => {
    const strategies = strategiesOf(registry, [], variant);
    for (const one of faults.values()) {
      const cells = cellsOf(registry, { faults: [one], phases: [], strategies, variant });
      const controls = cells.filter(({ control }) => control);
      expect(controls.length, one.name).toBeGreaterThan(0);
      expect(
        controls.filter(cell => cell.notOffered === undefined).length,
        one.name,
      ).toBeGreaterThan(0);
      for (const { claimed } of controls) expect(claimed.verdict, one.name).toBe('unsafe');
    }
  });

  test('a name that is not there is told with what is', () => {
    expect(() => faultsNamed(faults, ['holder-kiled'])).toThrow(/did you mean 'holder-killed'/);
  });
});

describe('predictions', () => {
  test('a holder that loses its lease: who is refused by the store is safe, who is not claims nothing', () => {
    for (const under of ['holder-paused', 'redis-emptied'])
      expect(
        Object.fromEntries(
          ['redis-lease', 'redis-lease-queued', 'redlock', 'redis-lease-fenced'].map(name => [
            name,
            claim(name, under),
          ]),
        ),
      ).toEqual({
        'redis-lease': 'no claim',
        'redis-lease-queued': 'no claim',
        redlock: 'no claim',
        'redis-lease-fenced': 'safe',
      });
    expect(claim('redis-lease-fenced-write', 'holder-paused')).toBe('unsafe');
    for (const name of ['row-lock', 'advisory-session', 'version-column', 'unique-slots'])
      expect(claim(name, 'holder-paused'), name).toBe('safe');
  });

  test('a crash breaks no lease, but what was never given an end stays for good', () => {
    expect(claim('redis-lease', 'holder-killed')).toBe('safe');
    expect(claim('redis-setnx-expire', 'holder-killed')).toBe('unsafe');
    const left = (name: string, phase: Phase) =>
      leftBehindBy(fault('holder-killed'), strategy(name).declared, phase);
    expect(left('redis-setnx-expire', 'granted')).toBe('for good');
    expect(left('redis-lease', 'holding')).toBe('until the lease has passed');
    expect(left('row-lock', 'holding')).toBe('not at all');
    expect(left('advisory-session', 'holding')).toBe('not at all');
    expect(left('redis-lease', 'waiting')).toBeNull();
    expect(
      leftBehindBy(fault('holder-paused'), strategy('row-lock').declared, 'holding'),
    ).toBeNull();
  });

  test('behind a pooler a session lock is refused, and not struck', () => {
    const why = (name: string) =>
      notOffered(fault('pooler-killed'), strategy(name), 'commit sent', variant);
    expect(why('advisory-session')).toMatch(/session lock/);
    expect(why('row-lock')).toBeUndefined();
  });

  test('a fault of Redis spares who keeps nothing there, and says so', () => {
    const emptied = fault('redis-emptied');
    const why = (name: string) => notOffered(emptied, strategy(name), 'commit sent', variant);
    expect(why('row-lock')).toMatch(/nothing in Redis/);
    expect(why('redis-lease')).toBeUndefined();
    expect(why('redlock')).toBeUndefined();
  });
});

describe('phases', () => {
  const lacks = (name: string): Phase[] =>
    phases.filter(phase => 'notOffered' in placeOf(strategy(name).declared, phase));

  test('each strategy lacks those that its lock does not have', () => {
    expect(lacks('row-lock')).toEqual(['releasing']);
    expect(lacks('advisory-transaction')).toEqual(['releasing']);
    expect(lacks('advisory-session')).toEqual([]);
    expect(lacks('redis-lease')).toEqual([]);
    expect(lacks('version-column')).toEqual(['waiting', 'granted', 'releasing']);
    expect(lacks('unique-slots')).toEqual([
      'waiting',
      'granted',
      'holding',
      'written',
      'releasing',
    ]);
    expect(lacks('table-lock')).toEqual(['waiting', 'releasing']);
    expect(lacks('redis-released-early')).toEqual(['releasing']);
  });

  test('COMMIT is the statement itself where one statement decides', () => {
    expect(placeOf(strategy('unique-slots').declared, 'commit sent')).toEqual({
      point: { store: 'postgres', purpose: 'deciding', hold: 'request', servers: 'one' },
    });
  });

  test('with an Idempotency-Key one statement is a transaction, and has a COMMIT to be held', () => {
    const one = strategy('unique-slots').declared;
    expect(placeOf(one, 'commit applied', true)).toMatchObject({ point: { purpose: 'commit' } });
  });

  test('a lock on several nodes is held at each of them', () => {
    expect(placeOf(strategy('redlock').declared, 'granted')).toMatchObject({
      point: { store: 'redis', servers: 'each node' },
    });
  });
});

describe('the plan', () => {
  const wanted = { faults: [...faults.values()], phases: [], variant };

  test('names no strategy: at least eight, none of them a hazard, and the controls besides', () => {
    const strategies = strategiesOf(registry, [], variant);
    expect(strategies.length).toBeGreaterThanOrEqual(8);
    expect(strategies.filter(({ declared }) => declared.hazard)).toEqual([]);
    for (const { declared } of strategies) expect(variant.wordings).toContain(declared.wording);
    const cells = cellsOf(registry, { ...wanted, strategies });
    for (const one of faults.values()) {
      const own = cells.filter(cell => cell.fault === one);
      expect(own[0]?.control).toBe(true);
      expect(own.filter(({ control }) => !control)).toHaveLength(strategies.length);
      expect(new Set(own.map(({ name, phase }) => `${name} ${phase}`)).size).toBe(own.length);
    }
  });

  test('takes of each fault the worst phase that a strategy has', () => {
    const cells = cellsOf(registry, { ...wanted, strategies: [strategy('unique-slots')] });
    const killed = cells.find(cell => !cell.control && cell.fault.name === 'holder-killed');
    expect(killed).toMatchObject({ phase: 'commit sent', notOffered: undefined });
  });

  test('a phase that was asked for and is not there is a cell that says why', () => {
    const cells = cellsOf(registry, {
      ...wanted,
      phases: ['releasing'],
      strategies: [strategy('row-lock')],
    });
    const asked = cells.filter(
      ({ control, fault: { name } }) => !control && name === 'holder-killed',
    );
    expect(asked).toMatchObject([
      { phase: 'releasing', notOffered: expect.stringMatching(/COMMIT/) },
    ]);
  });
});

describe('a phase that was asked for', () => {
  const controlsAt = (under: string, phases: readonly Phase[]) =>
    cellsOf(registry, { faults: [fault(under)], phases, strategies: [], variant })
      .filter(({ control }) => control)
      .map(({ name, phase }) => `${name}: ${phase}`);

  test('is that of the controls, too', () => {
    expect(new Set(controlsAt('holder-paused', ['releasing', 'written']))).toEqual(
      new Set(
        ['redis-lease-fenced-write', 'redis-unsafe-release', 'wall-clock-lease'].flatMap(name => [
          `${name}: releasing`,
          `${name}: written`,
        ]),
      ),
    );
  });

  test('leaves a control that lacks it in its worst', () => {
    expect(controlsAt('postgres-paused', ['releasing'])).toEqual(['unprotected: commit sent']);
  });
});

describe('those who share an injection', () => {
  const strategies = strategiesOf(registry, [], variant);
  const groups = (under: string, phases: readonly Phase[] = []): readonly Planned[][] =>
    groupsOf(cellsOf(registry, { faults: [fault(under)], phases, strategies, variant }));
  const names = (group: readonly Planned[]): string[] => group.map(({ name }) => name);
  const groupOf = (all: readonly Planned[][], name: string): string[] =>
    names(all.find(group => names(group).includes(name)) ?? []);

  test('are as many as do not stand in each other’s way, and everybody is in one group', () => {
    const all = groups('holder-paused').filter(([one]) => one?.notOffered === undefined);
    expect(all.length).toBeLessThan(strategies.length / 2);
    const cells = cellsOf(registry, {
      faults: [fault('holder-paused')],
      phases: [],
      strategies,
      variant,
    });
    expect(groups('holder-paused').flatMap(names).sort()).toEqual(
      cells.map(one => one.name).sort(),
    );
    expect(groupOf(all, 'table-lock')).toEqual(['table-lock']);
  });

  test('hold no messages on one connection of Redis', () => {
    const all = groups('holder-killed', ['granted']);
    expect(groupOf(all, 'redis-lease')).not.toContain('redis-lease-fenced');
    const apart = groups('holder-killed', ['commit sent']);
    expect(groupOf(apart, 'redis-lease')).toContain('redis-lease-fenced');
  });

  test('keep their locks in the same place where Redis is struck', () => {
    const all = groups('redis-emptied');
    expect(groupOf(all, 'redis-lease')).toContain('redis-lease-fenced');
    expect(groupOf(all, 'redis-lease')).not.toContain('redlock');
    expect(groupOf(all, 'row-lock')).not.toContain('redis-lease');
  });

  test('all have the defence that the control lacks', () => {
    const all = groups('client-gone');
    const [control = []] = all.filter(group => group.some(({ undefended }) => undefended));
    expect(control).toHaveLength(1);
    expect(control[0]?.name).toMatch(/, undefended$/);
  });
});
