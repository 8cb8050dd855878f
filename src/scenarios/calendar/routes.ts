import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, text } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';

const named = z.strictObject({ name: text });

const createTherapist = sql<{ id: string }>`
  insert into therapists (name) values ($1) returning id`;

const therapist = named.extend({ id });

const newTherapist = postRoute({
  path: '/therapists',
  title: 'Create a therapist',
  params: noParams,
  body: named,
  status: 201,
  answer: therapist,
  example: { body: { name: 'Bo' }, answer: { id: '1', name: 'Bo' } },
  async handle({ body: { name } }, query) {
    const [made] = await query(createTherapist, [name]);
    if (!made) throw new Error('insert returned no row');
    return { id: made.id, name };
  },
});

/** ISO 8601 allows a year 0 and offsets of up to 23:59; Postgres takes neither. */
const instant = z.iso
  .datetime({ offset: true })
  .refine(sent => !sent.startsWith('0000'), 'must be in the year 1 or later')
  .refine(
    sent => !/[+-](?:1[6-9]|2[0-9]):[0-9]{2}$/.test(sent),
    'must have an offset below 16 hours',
  )
  .meta({
    // all of that in one, for whoever makes instants by the document
    pattern:
      '^(?!0000)[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?' +
      '(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])$',
  });

const newRequestBody = z
  .strictObject({ client: text, startsAt: instant, endsAt: instant })
  .refine(body => Date.parse(body.startsAt) < Date.parse(body.endsAt), {
    path: ['endsAt'],
    message: 'must be after startsAt',
  });

const createRequest = sql<{ id: string }>`
  insert into visit_requests (therapist_id, client, during)
  select id, $2, tstzrange($3::timestamptz, $4::timestamptz) from therapists where id = $1
  returning id`;

const newRequest = postRoute({
  path: '/therapists/:id/visit-requests',
  title: 'Request a visit from a therapist',
  params: idParams,
  body: newRequestBody,
  status: 201,
  answer: z.strictObject({ id, therapistId: id, client: text, startsAt: instant, endsAt: instant }),
  example: {
    params: { id: '1' },
    body: { client: 'ann', startsAt: '2030-01-01T10:00:00Z', endsAt: '2030-01-01T11:00:00Z' },
    answer: {
      ...{ id: '1', therapistId: '1', client: 'ann' },
      ...{ startsAt: '2030-01-01T10:00:00Z', endsAt: '2030-01-01T11:00:00Z' },
    },
  },
  async handle({ params: { id: therapistId }, body: { client, startsAt, endsAt } }, query) {
    const [made] = await query(createRequest, [therapistId, client, startsAt, endsAt]);
    if (!made) throw new NotFound(`there is no therapist ${therapistId}`);
    return { id: made.id, therapistId, client, startsAt, endsAt };
  },
});

const readTherapist = sql<z.infer<typeof therapist>>`
  select id, name from therapists where id = $1`;

const readVisits = sql<{ id: string; requestId: string; startsAt: Date; endsAt: Date }>`
  select id, request_id as "requestId", lower(during) as "startsAt", upper(during) as "endsAt"
  from visits where therapist_id = $1 order by during, id`;

/** As JavaScript writes it, in UTC: with a sign and six digits for the years 0 and 10000. */
const utc = z.string().regex(/^(?:[0-9]{4}|[+-][0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z$/);

const visit = z.strictObject({ id, requestId: id, startsAt: utc, endsAt: utc });

const show = getRoute({
  path: '/therapists/:id',
  title: 'Show a therapist with all visits',
  params: idParams,
  answer: therapist.extend({ visits: z.array(visit).readonly() }),
  example: {
    params: { id: '1' },
    answer: {
      ...{ id: '1', name: 'Bo' },
      visits: [
        {
          ...{ id: '1', requestId: '1' },
          ...{ startsAt: '2030-01-01T10:00:00.000Z', endsAt: '2030-01-01T11:00:00.000Z' },
        },
      ],
    },
  },
  async handle({ id: therapistId }, query) {
    const [found] = await query(readTherapist, [therapistId]);
    if (!found) throw new NotFound(`there is no therapist ${therapistId}`);
    const visits = await query(readVisits, [therapistId]);
    return {
      ...found,
      visits: visits.map(one => ({
        ...one,
        startsAt: one.startsAt.toISOString(),
        endsAt: one.endsAt.toISOString(),
      })),
    };
  },
});

export const routes: readonly Route[] = [newTherapist, newRequest, show];
