import { type Decision, type Rule, sql } from '../../contract/index.ts';
import { type Accept, requests } from './tables.ts';

const look = sql<{ status: string; appointments: number }>`
  select o.status, (select count(*)::integer from appointments where request_id = $2) as appointments
  from appointment_offers o where o.id = $1`;

const act = sql<{ id: string }>`
  with appointment as (
    insert into appointments (request_id, offer_id, therapist_id, command_id)
    values ($1, $2, $3, $4) returning id
  ), settled as (
    -- in the order of their ids: rivals that update the same offers must not deadlock
    select id from appointment_offers
    where request_id = $1 and (id = $2 or ($5 and status = 'pending'))
    order by id for no key update
  ), told as (
    update appointment_offers o
    set status = case when o.id = $2 then 'accepted' else 'expired' end
    from settled where o.id = settled.id
  )
  select id from appointment`;

/** Reads, decides and writes: the rule from the incident, with no locking of its own. */
export const steps: Rule<Accept> = async (tx, command, context) => {
  const { requestId, offerId, therapistId } = command;
  const seen = await tx.check(async () => {
    const request = await tx.read(requests, requestId);
    const [offer] = await tx.query(look, [offerId, requestId]);
    return request && offer && { request, offer };
  });
  if (!seen) return { refused: 'gone' };
  const { request, offer } = seen;
  const refusal = refusalOf(offer.status, offer.appointments, request.therapists_needed);
  if (refusal) return refusal;
  await tx.touch(requests, request);
  const full = offer.appointments + 1 >= request.therapists_needed;
  const [appointment] = await tx.query(act, [
    requestId,
    offerId,
    therapistId,
    context.commandId,
    full,
  ]);
  return appointment ? { accepted: appointment.id } : { refused: 'gone' };
};

/** Why an offer in this state cannot be accepted; undefined if it can. */
export function refusalOf(
  status: string,
  appointments: number,
  needed: number,
): Decision | undefined {
  if (status === 'accepted') return { refused: 'already accepted' };
  if (status === 'expired') return { refused: 'expired' };
  return appointments >= needed ? { refused: 'full' } : undefined;
}
