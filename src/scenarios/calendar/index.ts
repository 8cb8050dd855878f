import { z } from 'zod';
import { type Form, NotFound, scenario, sql } from '../../contract/index.ts';
import { id, idParams, parse } from '../input.ts';
import { calls } from './calls.ts';
import { conditionalInsert } from './conditional-insert.ts';
import { exclusion } from './exclusion.ts';
import { load } from './load.ts';
import { routes } from './routes.ts';
import { steps } from './steps.ts';
import { type Book, byRequest, byTherapist, keyOf } from './tables.ts';

const sent = z.strictObject({ requestId: id });

const form: Form = {
  params: idParams,
  body: sent,
  refusals: {
    taken: 'The therapist has another visit at that time.',
    gone: 'The request was deleted meanwhile.',
  },
  examples: [
    { params: { id: '1' }, body: { requestId: '1' }, key: '1', decision: { accepted: '1' } },
    { params: { id: '1' }, body: { requestId: '1' }, key: '1', decision: { refused: 'taken' } },
  ],
};

const readRequest = sql<{ during: string }>`
  select during::text as during from visit_requests where id = $1 and therapist_id = $2`;

export default scenario<Book>({
  title: 'A therapist in two places at once',
  path: '/therapists/:id/visits',
  form,
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  async prepare({ params, body }, query) {
    const { id: therapistId } = parse(idParams, params);
    const { requestId } = parse(sent, body);
    const [request] = await query(readRequest, [requestId, therapistId]);
    if (!request) throw new NotFound(`therapist ${therapistId} has no visit request ${requestId}`);
    return { therapistId, requestId, during: request.during };
  },
  auditKey: ({ therapistId }) => therapistId,
  variants: {
    plain: {
      title: 'one therapist at a time',
      acts: 'inserts beside it',
      effect: 'inside',
      keys: command => [keyOf(byTherapist, command)],
      rules: {
        steps: steps(byTherapist),
        exclusion: exclusion(byTherapist),
        'conditional insert': conditionalInsert,
      },
    },
    'wrong-key': {
      title: 'one request at a time, though the therapist is what is contended for',
      acts: 'inserts beside it',
      effect: 'inside',
      expects: {
        unsafe: 'duplicate',
        because: 'two requests for one therapist are two keys and two rows',
        exceptUnder: ['serializable', 'lock table', 'exclusion'],
      },
      keys: command => [keyOf(byRequest, command)],
      rules: { steps: steps(byRequest), exclusion: exclusion(byRequest) },
    },
  },
  routes,
  load,
});
