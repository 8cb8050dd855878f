import { z } from 'zod';
import { type Form, NotFound, scenario, sql } from '../../contract/index.ts';
import { id, idParams, parse } from '../input.ts';
import { calls } from './calls.ts';
import { checkedAgain, chosenInSubquery } from './chosen-in-subquery.ts';
import { conditionalUpdate } from './conditional-update.ts';
import { load } from './load.ts';
import { nextFreeRow } from './next-free-row.ts';
import { routes } from './routes.ts';
import { type Claim, keyOf } from './tables.ts';

const sent = z.strictObject({ userId: id });

const form: Form = {
  params: idParams,
  body: sent,
  refusals: {
    'none left': 'Every coupon of the campaign has an owner.',
    gone: 'The coupon was deleted meanwhile.',
  },
  examples: [
    { params: { id: '1' }, body: { userId: '7' }, key: '1', decision: { accepted: '1' } },
    { params: { id: '1' }, body: { userId: '8' }, key: '1', decision: { refused: 'none left' } },
  ],
};

const readCampaign = sql<{ id: string }>`select id from campaigns where id = $1`;

/**
 * On its own the statement decides wrongly. As `steps` it runs behind the strategy's lock or guard.
 */
const aloneNoLonger = [
  'steps',
  'repeatable read',
  'serializable',
  'lock row',
  'lock row, nowait',
  'lock table',
  'compare version',
  'fence read',
  'turns',
  'first',
] as const;

export default scenario<Claim>({
  title: 'The next free coupon of a campaign',
  path: '/campaigns/:id/claims',
  form,
  race: 'duplicate',
  exhaustedReasons: calls.exhaustedReasons,
  rounds: { scarce: { title: 'There are coupons for half of the callers.' } },
  async prepare({ params, body }, query) {
    const { id: campaignId } = parse(idParams, params);
    const { userId } = parse(sent, body);
    const [campaign] = await query(readCampaign, [campaignId]);
    if (!campaign) throw new NotFound(`there is no campaign ${campaignId}`);
    return { campaignId, userId };
  },
  auditKey: ({ campaignId }) => campaignId,
  variants: {
    plain: {
      title: 'the row is chosen and locked in one select',
      acts: 'takes any free row',
      effect: 'inside',
      keys: command => [keyOf(command)],
      rules: {
        steps: nextFreeRow,
        'conditional update': conditionalUpdate,
        'precreated rows': nextFreeRow,
      },
    },
    'chosen-in-subquery': {
      title: 'update … where id = (select … limit 1)',
      acts: 'updates the deciding row', // not just any: SKIP LOCKED would lock none of its rows
      effect: 'inside',
      keys: command => [keyOf(command)],
      expects: {
        unsafe: 'duplicate',
        because: 'the subquery chooses before the update waits',
        exceptUnder: aloneNoLonger,
      },
      rules: { steps: chosenInSubquery, 'conditional update': chosenInSubquery },
    },
    'checked-again': {
      title: 'update … where id = (select … limit 1) and owner_id is null',
      acts: 'updates the deciding row',
      effect: 'inside',
      keys: command => [keyOf(command)],
      expects: {
        unsafe: 'false refusal',
        because: 'the subquery chooses before the update waits, and chooses nothing else after',
        exceptUnder: aloneNoLonger,
      },
      rules: { steps: checkedAgain, 'conditional update': checkedAgain },
    },
  },
  routes,
  load,
});
