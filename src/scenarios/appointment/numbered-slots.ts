import { Failure, type Rule, sql } from '../../contract/index.ts';
import { refusalOf } from './steps.ts';
import { type Accept, requests } from './tables.ts';

interface Answer {
  readonly appointment_id: string | null;
  readonly status: string;
  readonly appointments: number;
  readonly needed: number;
}

/**
 * One statement decides: it takes the lowest free seat after the unnumbered appointments, and the
 * unique index rejects a second taker. Lowest first matters: whoever gets the last seat knows that
 * all others are committed, and may expire the remaining offers. The insert waits for a rival on
 * the same seat, so a rival that rolls back causes no false refusal.
 */
const takeSeat = sql<Answer>`
  with asked as (
    select
      o.status,
      r.therapists_needed as needed,
      (select count(*)::integer from appointments where request_id = r.id) as appointments,
      (
        select min(seat) from generate_series(
          1 + (select count(*)::integer from appointments where request_id = r.id and seat is null),
          r.therapists_needed
        ) as seat
        where not exists (select from appointments a where a.request_id = r.id and a.seat = seat.seat)
      ) as seat
    from appointment_requests r join appointment_offers o on o.request_id = r.id
    where r.id = $1 and o.id = $2
  ), appointment as (
    insert into appointments (request_id, offer_id, therapist_id, command_id, seat)
    select $1, $2, $3, $4, seat from asked
    where status = 'pending' and appointments < needed and seat is not null
    on conflict do nothing
    returning id
  ), settled as (
    select o.id from appointment_offers o, asked, appointment
    where o.request_id = $1
      and (o.id = $2 or (o.status = 'pending' and asked.appointments + 1 >= asked.needed))
    order by o.id for no key update of o
  ), told as (
    update appointment_offers o
    set status = case when o.id = $2 then 'accepted' else 'expired' end
    from settled where o.id = settled.id
  )
  select appointment.id as appointment_id, status, appointments, needed
  from asked left join appointment on true`;

const triesMax = 4; // each lost try means that a rival committed a seat; there are two

export const numberedSlots: Rule<Accept> = async (tx, command, context) => {
  const { requestId, offerId, therapistId } = command;
  const claimed = await tx.claim(requests, requestId);
  if (claimed) await tx.touch(requests, claimed);
  for (let tries = 0; tries < triesMax; tries += 1) {
    const [answer] = await tx.query(takeSeat, [requestId, offerId, therapistId, context.commandId]);
    if (!answer) return { refused: 'gone' };
    if (answer.appointment_id) return { accepted: answer.appointment_id };
    const refusal = refusalOf(answer.status, answer.appointments, answer.needed);
    if (refusal) return refusal;
  }
  throw new Failure('conflict');
};
