import { type Program, requestText } from './program.ts';

/** A table or function used by programs: what it depends on, and how its rows are read at the end. */
interface Part {
  readonly needs?: readonly string[];
  readonly setup: string;
  /** One column of text; its rows in a fixed order. */
  readonly rows?: string;
}

/** Reads all rows of a table, in the order of their first column. */
const rowsIn = (table: string, key: string, ...columns: readonly string[]): string =>
  `select '${table} ' || ${[key, ...columns].join(" || ' ' || ")} from ${table} order by ${key}`;

const parts: Readonly<Record<string, Part>> = {
  slot: {
    setup: `create table slot (id int primary key, n int not null default 0);
      insert into slot values (1, 0), (2, 0)`,
    rows: rowsIn('slot', 'id', 'n'),
  },
  seat: {
    setup: `create table seat (no int primary key, who text);
      insert into seat values (2, 'setup')`,
    rows: rowsIn('seat', 'no', 'who'),
  },
  parent: {
    setup: `create table parent (id int primary key);
      insert into parent values (1), (2)`,
    rows: rowsIn('parent', 'id'),
  },
  child: {
    needs: ['parent'],
    setup: `create table child (id serial primary key,
        parent int references parent deferrable initially deferred)`,
    rows: rowsIn('child', 'id', 'parent'),
  },
  // at most one row: counted by a trigger that runs at COMMIT
  quota: {
    setup: `create table quota (id serial primary key, who text);
      create function quota_check() returns trigger language plpgsql as $$
      begin
        if (select count(*) from quota) > 1 then raise exception 'full'; end if;
        return null;
      end $$;
      create constraint trigger quota_check after insert on quota
        deferrable initially deferred for each row execute function quota_check()`,
    rows: rowsIn('quota', 'id', 'who'),
  },
  // a change to an owner cascades to its pets
  owner: {
    setup: `create table owner (id int primary key);
      insert into owner values (1), (2)`,
    rows: rowsIn('owner', 'id'),
  },
  pet: {
    needs: ['owner'],
    setup: `create table pet (id int primary key, owner int references owner on delete cascade);
      insert into pet values (1, 1), (2, 2)`,
    rows: rowsIn('pet', 'id', 'owner'),
  },
  slots_seen: {
    needs: ['slot'],
    setup: 'create view slots_seen as select sum(n)::int as n from slot',
  },
  // its trigger counts immediately
  noise: {
    setup: `create table noise (who text);
      create table heard (n int); insert into heard values (0);
      create function noise_heard() returns trigger language plpgsql as $$
      begin
        update heard set n = n + 1;
        return null;
      end $$;
      create trigger noise_heard after insert on noise
        for each row execute function noise_heard()`,
    rows: "select 'heard ' || n from heard",
  },
  parted: {
    setup: `create table parted (id int primary key) partition by list (id);
      create table part_1 partition of parted for values in (1);
      create table part_2 partition of parted for values in (2)`,
    rows: rowsIn('parted', 'id'),
  },
  // a trigger at COMMIT records what it sees
  entry: {
    setup: `create table entry (who text);
      create table total (seen int);
      create function entry_total() returns trigger language plpgsql as $$
      begin
        insert into total select count(*) from entry;
        return null;
      end $$;
      create constraint trigger entry_total after insert on entry
        deferrable initially deferred for each row execute function entry_total()`,
    rows: rowsIn('total', 'seen'),
  },
  bill: {
    setup: 'create table bill (id serial primary key, n int)',
    rows: rowsIn('bill', 'id', 'n'),
  },
  // who wrote first, by the server's clock
  stamp: {
    setup: 'create table stamp (who text, at timestamptz not null default now())',
    rows: "select 'stamps ' || coalesce(string_agg(who, ',' order by at), '') from stamp",
  },
  // a second such table: which time is earlier shows only if both are read
  stamp_too: {
    needs: ['stamp'],
    setup: 'create table stamp_too (who text, at timestamptz not null default now())',
    rows: `select 'both ' || coalesce(string_agg(who, ',' order by at), '')
      from (select * from stamp union all select * from stamp_too) as both_stamps`,
  },
  ticket: { setup: 'create sequence ticket', rows: "select 'ticket ' || last_value from ticket" },
  try_lock: {
    setup: `create function try_lock(k int) returns boolean language sql as
      'select pg_try_advisory_xact_lock(k)'`,
  },
  // called like a keyword that may stand before a parenthesis
  within: {
    setup: `create function within(k int) returns boolean language sql as
      'select pg_try_advisory_xact_lock(k)'`,
  },
  // of whose name only the end is ASCII, like that of a function of the server
  écount: {
    setup: `create function écount(k int) returns boolean language sql as
      'select pg_try_advisory_xact_lock(k)'`,
  },
  grab: {
    needs: ['seat'],
    setup: `create function grab(k int, who text) returns boolean language plpgsql as $$
      begin
        insert into seat values (k, who);
        return true;
      exception when unique_violation then
        return false;
      end $$`,
  },
  hold: {
    needs: ['slot'],
    setup: `create function hold(k int) returns boolean language plpgsql as $$
      begin
        perform from slot where id = k for update nowait;
        return true;
      exception when lock_not_available then
        return false;
      end $$`,
  },
  refuse: {
    needs: ['slot'],
    setup: `create function refuse(k int) returns void language plpgsql as $$
      begin
        if (select n from slot where id = k) > 0 then raise exception 'no'; end if;
      end $$`,
  },
};

/** The objects that a program uses, with dependencies, in order of creation. */
function partsOf(program: Program): Part[] {
  const requests = program.callers.flatMap(({ steps }) => steps.map(({ request }) => request));
  const text = requests.map(requestText).join('\n');
  const named = Object.keys(parts).filter(name => {
    return new RegExp(`(?<![\\wé])${name}(?!\\w)`).test(text.replace(/\bpart_\d/g, 'parted'));
  });
  const wanted = new Set(named.flatMap(name => [...(parts[name]?.needs ?? []), name]));
  return Object.entries(parts).flatMap(([name, part]) => (wanted.has(name) ? [part] : []));
}

export function setupOf(program: Program): string {
  return partsOf(program)
    .map(({ setup }) => setup)
    .join(';\n');
}

/** One statement that reads all remaining rows as a single value. */
export function rowsSql(program: Program): string {
  const reads = partsOf(program).flatMap(({ rows }) =>
    rows === undefined ? [] : [`array(${rows})`],
  );
  return `select array_to_json(${['array[]::text[]', ...reads].join(' || ')}) as left`;
}
