import { fileURLToPath } from 'node:url';
import { type Race, race } from '../../../src/explore/race.ts';

const app = fileURLToPath(new URL('app.mjs', import.meta.url));

/** Starts the service with its own DATABASE_URL and PORT, and books for somebody. */
export function books(who: string, env: Readonly<Record<string, string>> = {}) {
  return {
    service: { command: [process.execPath, app] as [string, string], env },
    request: {
      path: '/slots/1/bookings',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ who }),
    },
  };
}

/** One seat, two requests at two processes of the service: does it sell the seat twice? */
const config: Race = race({
  title: 'two requests for one seat',
  setup: `
    create table slot (id int primary key, seats int not null);
    create table booking (id serial primary key, slot_id int not null, who text not null);
    insert into slot values (1, 1)`,
  audit: 'select slot_id, count(*)::int as sold from booking group by slot_id having count(*) > 1',
  preemptions: 1,
  actors: { ann: books('ann'), bob: books('bob') },
});
export default config;
