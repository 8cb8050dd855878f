import type { Subject } from './run/stage.ts';
import { type ExploreOptions, reduces } from './settings.ts';

/** What a verdict rests on, in sentences for the report. */
export function assumptionsOf(subject: Subject, options: ExploreOptions): string[] {
  const said = [
    'An order is one of requests at the servers; what runs inside one statement runs as the server does it.',
    "Timers of an actor fire only while it waits for nothing else, or as the event 'client-timeout'. A " +
      'lock_timeout or statement_timeout of a session, and the limit of a wait at Redis while others can ' +
      "go on, end its waits only as the event 'timeout'; one that a function sets for itself runs in real time.",
    'Waiters that one release frees together go on in the order that the server chooses.',
    "A deadlock's victim is cancelled by the explorer and told 40P01; every member of the cycle is tried.",
  ];
  const inside = Object.entries(subject.actors).flatMap(([name, act]) => {
    return typeof act === 'function' ? [name] : [];
  });
  const programs = inside.length < Object.keys(subject.actors).length;
  if (inside.length > 0) {
    said.push(
      'The clock of a function begins with the order and moves only while it sleeps: which of two asked ' +
        'its own clock first does not show in what they write.',
    );
  }
  if (inside.length > 1) {
    const who = programs ? `: ${inside.join(', ')}` : '';
    said.push(`Actors in one process share its modules${who}.`);
  }
  if (programs) {
    said.push(
      'Connections of programs past their gates are looked for where there is a /proc, and not over Unix sockets.',
      'Time is real for programs: one that is silent for 400 ms counts as asleep, and after 4 s also ' +
        'where it is at work; what is at work is known where there is a /proc.',
    );
  }
  const ends = ['timeout', 'backend-terminated'].filter(kind =>
    options.events?.some(one => one === kind),
  );
  if (ends.length > 0) {
    said.push(
      `The event '${ends.join("' or '")}' strikes all connections of a caller at once: that one of several ` +
        'ends alone is not tried.',
    );
  }
  if (subject.leases?.length) {
    said.push(
      "The end of a lease in a row moves no caller's clock: where callers compare it with a clock of their " +
        'own, not with the time of the server, it has not ended for them.',
    );
  }
  if (options.allowHosts?.length) {
    said.push(
      `What happens at ${options.allowHosts.join(', ')} is not ordered: the config allows it.`,
    );
  }
  if (subject.oneStep?.length) {
    said.push(`One call is one step, as the config says: ${subject.oneStep.join(', ')}.`);
  }
  if (options.fuseBegin ?? true) {
    said.push(
      'BEGIN runs with the statement after it: it takes no snapshot, but it fixes now(). Where that is read, ' +
        'orders with one switch are also run with BEGIN as a step of its own.',
    );
  }
  if ((options.fuseNodes ?? true) && (options.servers.redisUrls?.length ?? 0) > 1)
    said.push('The same request to several Redis nodes at once is one step.');
  if (options.phases ?? true) {
    said.push(
      'Writing statements are split at a BEFORE STATEMENT trigger; not DDL, not TRUNCATE, not COPY, ' +
        'not tables made during a run, not views, and no second write inside one statement.',
    );
  } else said.push('Statements are whole: a race inside one statement is not seen.');
  if (reduces(subject, options)) {
    said.push('Orders that differ only in steps which touch nothing in common are run once.');
  }
  if (options.identical !== undefined)
    said.push('Identical actors are interchangeable to the audit.');
  return said;
}
