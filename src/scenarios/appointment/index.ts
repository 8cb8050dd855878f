import { z } from 'zod';
import { NotFound, type Query, scenario, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
import { calls } from './calls.ts';
import { load } from './load.ts';
import { numberedSlots } from './numbered-slots.ts';
import { precreatedRows } from './precreated-rows.ts';
import { routes } from './routes.ts';
import { steps } from './steps.ts';
import { type Accept, keyOf } from './tables.ts';

const sent = z.strictObject({}).optional();

const readOffer = sql<{ request_id: string; therapist_id: string }>`
  select request_id, therapist_id from appointment_offers where id = $1`;

async function offerOf(offerId: string, query: Query): Promise<Accept> {
  const [offer] = await query(readOffer, [offerId]);
  if (!offer) throw new NotFound(`there is no appointment offer ${offerId}`);
  return { offerId, requestId: offer.request_id, therapistId: offer.therapist_id };
}

export default scenario<Accept>({
  title: 'Several therapists accept one appointment request',
  path: '/appointment-offers/:id/accept',
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  rounds: {
    couple: { title: 'The key has room for two, and one more rival never arrives.', absent: 1 },
  },
  async prepare({ params, body }, query) {
    const { id: offerId } = parse(idParams, params);
    parse(sent, body);
    return offerOf(offerId, query);
  },
  auditKey: ({ requestId }) => requestId,
  variants: {
    plain: {
      title: 'requests for one or two therapists',
      acts: 'inserts beside it',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: { steps, 'numbered slots': numberedSlots, 'precreated rows': precreatedRows },
    },
  },
  routes,
  load,
});
