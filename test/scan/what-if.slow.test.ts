import { describe, expect, test } from 'vitest';
import type { Subject } from '../../src/explore/explore.ts';
import { whatIfText } from '../../src/scan/what-if/table.ts';
import { type WhatIf, type WhatIfRow, whatIf } from '../../src/scan/what-if/what-if.ts';
import { onePgClient, transaction, type Work } from '../explore/programs.ts';
import { testServers } from '../servers.ts';

const setup = `create table slot (id int primary key, seats int not null); insert into slot values (1, 1);
  create table booking (id serial primary key, slot_id int, who text)`;

const countThenInsert: (who: string) => Work = who => async query => {
  const [taken] = await query('select count(*)::int as n from booking where slot_id = 1');
  if (taken?.n !== 0) return 'full';
  await query(`insert into booking (slot_id, who) values (1, '${who}')`);
  return 'booked';
};

const countDown: Work = async query => {
  const [slot] = await query('select seats from slot where id = 1');
  const seats = Number(slot?.seats);
  if (seats < 1) return 'full';
  await query(`update slot set seats = ${seats - 1} where id = 1`);
  return 'booked';
};

function twice(work: (who: string) => Work): Subject {
  return { setup, actors: { ann: onePgClient(work('ann')), bob: onePgClient(work('bob')) } };
}

async function tried(
  subject: Subject,
): Promise<{ found: WhatIf; of: (cure: RegExp) => WhatIfRow }> {
  const servers = { pgUrl: testServers().postgresUrl };
  const found = await whatIf(subject, { servers });
  const of = (cure: RegExp): WhatIfRow => {
    const row = found.rows.find(one => cure.test(one.cure));
    if (row === undefined) throw new Error(`no row ${cure} in ${found.rows.map(r => r.cure)}`);
    return row;
  };
  return { found, of };
}

/** `begin` alone answers nothing, so that what the callers are told is what they found. */
function inTransaction(work: Work): Work {
  return async query => {
    let told: unknown;
    const code = await transaction('begin', async inside => {
      told = await work(inside);
    })(query);
    if (typeof code === 'string') throw Object.assign(new Error(code), { code });
    return told;
  };
}

describe('a count and an insert in a transaction', async () => {
  const { found, of } = await tried(twice(who => inTransaction(countThenInsert(who))));

  test('Postgres refuses the row lock, and says why', () => {
    expect(of(/^for update/).notApplicable).toBe(
      'Postgres refuses: FOR UPDATE is not allowed with aggregate functions',
    );
    expect(of(/^for no key update on/).tried).toBeUndefined();
  });

  test('an advisory lock cures it without an error, at the price of a wait', () => {
    const row = of(/advisory/);
    expect(row.tried).toMatchObject({ wrong: 0, errors: 0, notJudged: 0, exhausted: true });
    expect(row.tried?.waited).toBeGreaterThan(0);
    expect(row).toMatchObject({ strategy: 'advisory-transaction', roundTrips: 1 });
  });

  test('repeatable read cures nothing, serializable all', () => {
    expect(of(/^repeatable read/).tried?.wrong).toBeGreaterThan(0);
    expect(of(/^serializable/).tried).toMatchObject({ wrong: 0, notJudged: 0 });
  });

  test('an index is proposed on what the two rows have in common', () => {
    const row = of(/unique index/);
    expect(row.migration).toBe('create unique index on public.booking ("slot_id")');
    expect(row.tried).toMatchObject({ wrong: 0, notJudged: 0 });
    expect(row.tried?.errors).toBeGreaterThan(0);
  });

  test('the table has a row for each cure, and the words of the finding', () => {
    const text = whatIfText(found, 'one seat');
    expect(text).toContain(
      'both read `n = 0` in booking before either committed what it inserted into booking',
    );
    for (const { cure } of found.rows) expect(text).toContain(cure);
    expect(text).toMatch(/^for update on the deciding read\s+not applicable/m);
  });
});

describe('a number that is read and written back, in autocommit', async () => {
  const { of } = await tried(twice(() => countDown));

  test('a transaction alone cures nothing', () => {
    expect(of(/^in one transaction/).tried?.wrong).toBeGreaterThan(0);
  });

  test.each([/^for no key update on/, /^for update/, /advisory/])('%s cures it', cure => {
    const { tried: figures, rewritten } = of(cure);
    expect(figures).toMatchObject({ wrong: 0, errors: 0, notJudged: 0, exhausted: true });
    expect(figures?.waited).toBeGreaterThan(0);
    expect(rewritten).not.toEqual([]);
  });

  test('nowait does not wait, and ends in an error', () => {
    const { tried: figures } = of(/nowait/);
    expect(figures).toMatchObject({ wrong: 0, notJudged: 0 });
    expect(figures?.errors).toBeGreaterThan(0);
  });
});

test('what no order gets wrong is not cured', async () => {
  const work: Work = async query => {
    await query('update slot set seats = seats - 1 where id = 1');
  };
  const { found } = await tried(twice(() => work));
  expect(found.rows).toEqual([]);
  expect(found.why).toMatch(/^no order differs from every serial order/);
});
