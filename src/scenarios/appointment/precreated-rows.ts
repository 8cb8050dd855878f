import { Failure, type Rule, sql, type Tx } from '../../contract/index.ts';
import { refusalOf } from './steps.ts';
import { type Accept, type Place, places } from './tables.ts';

interface Seen {
  readonly status: string;
  readonly appointments: number;
  readonly needed: number;
  /** An appointment that another wording inserted without taking a place. */
  readonly unplaced: string | null;
}

const look = sql<Seen>`
  select
    o.status,
    r.therapists_needed as needed,
    (select count(*)::integer from appointments where request_id = r.id) as appointments,
    (
      select min(a.id) from appointments a
      where a.request_id = r.id
        and not exists (select from appointment_places p where p.appointment_id = a.id)
    ) as unplaced
  from appointment_requests r join appointment_offers o on o.request_id = r.id
  where r.id = $1 and o.id = $2`;

// if two taps by one therapist hold different places, the second waits here and finds nothing
const accept = sql<{ id: string }>`
  with mine as (
    update appointment_offers set status = 'accepted'
    where id = $2 and status = 'pending' returning id
  )
  insert into appointments (request_id, offer_id, therapist_id, command_id)
  select $1, id, $3, $4 from mine returning id`;

// rivals on different places each see one of two, so only one at a time may check whether it is full
const lockRequest = sql<{ id: string }>`
  select id from appointment_requests where id = $1 for no key update`;

const expireWhenFull = sql<{ id: string }>`
  update appointment_offers set status = 'expired'
  where request_id = $1 and status = 'pending'
    and (select count(*) from appointments where request_id = $1)
      >= (select therapists_needed from appointment_requests where id = $1)`;

const triesMax = 4; // each try but the last assigns a place to an unplaced appointment; there are two

/** Soothe's fix: the rows already exist, so there is something to lock. */
export const precreatedRows: Rule<Accept> = async (tx, command, context) => {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const { place, seen } = await tx.check(async () => ({
      place: await tx.readAny(places, { request_id: command.requestId, appointment_id: null }),
      seen: (await tx.query(look, [command.requestId, command.offerId]))[0],
    }));
    if (!seen) return { refused: 'gone' };
    const refusal = refusalOf(seen.status, seen.appointments, seen.needed);
    if (refusal) return refusal;
    if (!place) return { refused: 'full' };
    if (seen.unplaced === null) return take(tx, command, context.commandId, place);
    await tx.write(places, place, { appointment_id: seen.unplaced });
  }
  throw new Failure('conflict');
};

async function take(
  tx: Tx,
  { requestId, offerId, therapistId }: Accept,
  commandId: string,
  place: Place,
): Promise<{ accepted: string }> {
  const [appointment] = await tx.query(accept, [requestId, offerId, therapistId, commandId]);
  if (!appointment) throw new Failure('conflict');
  await tx.write(places, place, { appointment_id: appointment.id });
  await tx.query(lockRequest, [requestId]);
  await tx.query(expireWhenFull, [requestId]);
  return { accepted: appointment.id };
}
