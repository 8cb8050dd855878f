import { stated } from './isolation-letters.ts';
import type { Theme } from './letters.ts';

const begins = ['begin', 'begin', "begin; set local lock_timeout = '10s'"];
const ends = ['commit', 'commit', 'commit', 'rollback'];

const looks = [
  'named select n from slot where id = $k',
  'select n from slot where id = $k',
  'select count(*)::int from seat',
  'select count(*)::int from seat where no = $k',
  'select sum(n)::int from slot',
];

const writes = [
  'update slot set n = n + 1 where id = $k returning n',
  'update slot set n = 1 where id = $k and n = 0',
  "insert into seat values ($k, '$w')",
  "insert into seat values ($k, '$w') on conflict do nothing returning no",
  'delete from seat where no = $k',
];

export const postgresThemes: Readonly<Record<string, Theme>> = {
  rows: {
    begins,
    body: [
      'select n from slot where id = $k for update',
      'select n from slot where id = $k for update nowait',
      'select n from slot where id = $k for update skip locked',
      'select n from slot where id = $k for share',
      'select n from slot where id = $k for no key update nowait',
      'select hold($k)',
      'select n from slot where id = $k',
      'update slot set n = n + 1 where id = $k returning n',
    ],
    ends: [...ends, 'leave'],
    alone: [
      'select n from slot where id = $k for update nowait',
      'select n from slot where id = $k for update skip locked',
      'update slot set n = n + 1 where id = $k returning n',
      'select hold($k)',
    ],
    events: ['timeout'],
  },
  advisory: {
    begins,
    body: [
      'select pg_try_advisory_xact_lock($k)',
      'select try_lock($k)',
      'select within($k)',
      `select 0 as "it's", try_lock($k), 'x'`,
      'select pg_try_advisory_lock($k)',
      'select pg_advisory_xact_lock($k)::text',
      'select pg_advisory_unlock($k)',
      'update slot set n = n + 1 where id = $k returning n',
      'select n from slot where id = $k',
    ],
    ends,
    alone: [
      'select pg_try_advisory_lock($k)',
      'select pg_advisory_lock($k)::text',
      'select pg_advisory_unlock($k)',
      'select try_lock($k)',
      'update slot set n = n + 1 where id = $k returning n',
      'select n from slot where id = $k',
    ],
    events: ['timeout'],
  },
  inserts: {
    begins: [...begins, 'begin | savepoint s'],
    body: [...writes.slice(2), "select grab($k, '$w')", 'select count(*)::int from seat'],
    ends,
    alone: [...writes.slice(2), "select grab($k, '$w')", 'select count(*)::int from seat'],
  },
  raises: {
    begins: [...begins, 'begin | savepoint s'],
    body: [
      'select refuse($k)::text',
      "do $$ begin perform refuse($k); exception when others then raise notice 'x'; end $$",
      'select hold($k)',
      'update slot set n = n + 1 where id = $k returning n',
      'update slot set n = n + 1 where id = $k returning n',
      'update slot set n = 0 where id = $k',
      'select 1 / (select n from slot where id = $k)',
      'rollback to savepoint s',
    ],
    ends,
    alone: [
      'select refuse($k)::text',
      "do $$ begin perform refuse($k); exception when others then raise notice 'x'; end $$",
      'update slot set n = n + 1 where id = $k returning n',
      'update slot set n = 0 where id = $k',
    ],
  },
  'foreign keys': {
    begins,
    body: [
      'insert into child (parent) values ($k)',
      'insert into child (parent) values ($k)',
      'delete from parent where id = $k',
      'delete from parent where id = $k',
      'delete from child where parent = $k',
      'set constraints all immediate',
    ],
    ends,
    alone: [
      'delete from parent where id = $k',
      'insert into child (parent) values ($k)',
      'select count(*)::int from child',
    ],
  },
  // statements whose text does not name everything they touch
  reaches: {
    begins,
    body: [
      'delete from owner where id = $k',
      'insert into pet values (3, $k)',
      'select count(*)::int from pet',
      'select id from owner where id = $k for update nowait',
      'select n from slots_seen',
      'update slot set n = n + 1 where id = $k',
      'select count(*)::int from parted',
    ],
    ends,
    alone: [
      'delete from owner where id = $k',
      'insert into pet values (3, $k)',
      'select count(*)::int from pet',
      'select count(*)::int from owner',
      'select n from slots_seen',
      'update slot set n = n + 1 where id = $k',
      "insert into noise values ('$w')",
      'select n from heard',
      'insert into part_1 values (1)',
      'select count(*)::int from parted',
      'insert into bill (n) values (1) returning id',
      "select nextval('bill_id_seq')::int",
    ],
  },
  triggers: {
    begins,
    body: [
      "insert into quota (who) values ('$w')",
      "insert into entry values ('$w')",
      "insert into entry values ('$w')",
      'select count(*)::int from total',
      'select count(*)::int from total',
      'set constraints all immediate',
    ],
    ends,
    alone: [
      "insert into quota (who) values ('$w')",
      "insert into entry values ('$w')",
      'select count(*)::int from total',
    ],
  },
  chain: {
    begins,
    body: [
      'select n from slot where id = $k',
      'select count(*)::int from seat',
      'update slot set n = n + 1 where id = $k returning n',
      'update slot set n = n + 1 where id = $k returning n',
      'commit and chain',
      'commit; begin',
      'rollback and chain',
      'commit; select n from slot where id = $k',
      'commit; update slot set n = n + 10 where id = $k',
      'commit; begin; select n from slot where id = $k for update nowait',
    ],
    ends: ['commit', 'commit; select n from slot where id = $k', 'rollback', 'leave'],
    alone: [
      'update slot set n = n + 1 where id = $k returning n',
      'select n from slot where id = $k',
    ],
  },
  // the order of a snapshot and a COMMIT matters where both transactions change one row
  isolation: {
    begins: [...stated, ...begins, ...begins],
    body: [
      'select count(*)::int from seat',
      'select count(*)::int from seat',
      'select n from slot where id = $k',
      'update slot set n = n + 1 where id = $k returning n',
      'update slot set n = n + 1 where id = $k returning n',
      "insert into seat values ($k, '$w') on conflict do nothing returning no",
    ],
    ends,
    alone: [
      'update slot set n = n + 1 where id = $k returning n',
      'select n from slot where id = $k',
      "insert into seat values ($k, '$w')",
    ],
  },
  serializable: {
    begins: ['begin isolation level serializable', 'begin isolation level serializable', ...stated],
    body: [...looks, ...writes.slice(0, 3), 'insert into bill (n) select count(*) from seat'],
    ends: ['commit'],
    alone: [...writes.slice(0, 3)],
  },
  sequences: {
    begins,
    body: [
      "select nextval('ticket')::int",
      'insert into bill (n) values ($k) returning id',
      'insert into bill (n) select count(*) from bill returning id',
      'select count(*)::int from bill',
    ],
    ends,
    alone: [
      "select nextval('ticket')::int",
      'insert into bill (n) values ($k) returning id',
      'insert into bill (n) select count(*) from bill returning id',
    ],
  },
  notify: {
    first: [
      'listen told | HEARS',
      'listen told | select n from slot where id = $k | HEARS',
      'listen told',
    ],
    begins,
    body: [
      "notify told, '$w'",
      "select pg_notify('told', n::text)::text from slot where id = $k",
      'update slot set n = n + 1 where id = $k returning n',
      'select n from slot where id = $k',
    ],
    ends,
    alone: [
      "notify told, '$w'",
      'select n from slot where id = $k',
      'update slot set n = n + 1 where id = $k returning n',
    ],
  },
  tables: {
    begins,
    body: [
      'lock table slot in access exclusive mode nowait',
      'lock table slot in share mode',
      'lock table slot in share mode nowait',
      'lock table slot in row exclusive mode',
      'select n from slot where id = $k',
      'update slot set n = n + 1 where id = $k returning n',
    ],
    ends,
    alone: [
      'select n from slot where id = $k',
      'update slot set n = n + 1 where id = $k returning n',
    ],
    events: ['timeout'],
  },
  // two rows locked in two orders; a third caller reads a row that one of them holds
  cycles: {
    begins,
    body: [
      'update slot set n = n + 1 where id = 1',
      'update slot set n = n + 1 where id = 2',
      "update seat set who = '$w' where no = 2",
      'select no from seat where no = 2 for update skip locked',
      'select who from seat where no = 2',
    ],
    ends,
    alone: [
      'select no from seat where no = 2 for update skip locked',
      "update seat set who = '$w' where no = 2",
    ],
    events: ['timeout'],
  },
  clocks: {
    begins,
    body: [
      "insert into stamp (who) values ('$w')",
      "insert into stamp values ('$w', clock_timestamp())",
      'select n from slot where id = 1',
      'select count(*)::int from seat',
    ],
    ends,
    alone: [
      "insert into stamp (who) values ('$w')",
      "insert into stamp_too (who) values ('$w')",
      'select count(*)::int from stamp',
    ],
  },
};
