import { type Form, NotFound, type Query, scenario, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
import { noBody } from '../route.ts';
import { calls } from './calls.ts';
import { load } from './load.ts';
import { numberedSlots } from './numbered-slots.ts';
import { precreatedRows } from './precreated-rows.ts';
import { routes } from './routes.ts';
import { steps } from './steps.ts';
import { type Accept, keyOf } from './tables.ts';

const form: Form = {
  params: idParams,
  body: noBody,
  refusals: {
    full: 'As many therapists as are needed have accepted.',
    expired: 'Others have accepted, so the offer has expired.',
    'already accepted': 'This offer was accepted before.',
    gone: 'The offer was deleted meanwhile.',
  },
  examples: [
    { params: { id: '1' }, key: '1', decision: { accepted: '1' } },
    { params: { id: '2' }, key: '1', decision: { refused: 'expired' } },
  ],
};

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
  form,
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  rounds: {
    couple: { title: 'The key has room for two, and one more rival never arrives.', absent: 1 },
  },
  async prepare({ params, body }, query) {
    const { id: offerId } = parse(idParams, params);
    parse(noBody, body);
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
