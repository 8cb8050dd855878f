import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';

const nameSent = z.strictObject({ name: z.string().min(1).max(200) });

const createTherapist = sql<{ id: string }>`
  insert into therapists (name) values ($1) returning id`;

const newTherapist: Route = {
  method: 'post',
  path: '/therapists',
  title: 'Create a therapist',
  async handle({ body }, query) {
    const { name } = parse(nameSent, body);
    const [therapist] = await query(createTherapist, [name]);
    if (!therapist) throw new Error('insert returned no row');
    return { status: 201, body: { id: therapist.id, name } };
  },
};

/** ISO 8601 allows a year 0 and offsets of up to 23:59; Postgres takes neither. */
const instant = z.iso
  .datetime({ offset: true })
  .refine(text => !text.startsWith('0000'), 'must be in the year 1 or later')
  .refine(text => !/[+-](?:1[6-9]|2\d):\d\d$/.test(text), 'must have an offset below 16 hours');

const newRequestBody = z
  .strictObject({ client: z.string().min(1).max(200), startsAt: instant, endsAt: instant })
  .refine(body => Date.parse(body.startsAt) < Date.parse(body.endsAt), {
    path: ['endsAt'],
    message: 'must be after startsAt',
  });

const createRequest = sql<{ id: string }>`
  insert into visit_requests (therapist_id, client, during)
  select id, $2, tstzrange($3::timestamptz, $4::timestamptz) from therapists where id = $1
  returning id`;

const newRequest: Route = {
  method: 'post',
  path: '/therapists/:id/visit-requests',
  title: 'Request a visit from a therapist',
  async handle({ params, body }, query) {
    const therapistId = parse(idParams, params).id;
    const { client, startsAt, endsAt } = parse(newRequestBody, body);
    const [request] = await query(createRequest, [therapistId, client, startsAt, endsAt]);
    if (!request) throw new NotFound(`there is no therapist ${therapistId}`);
    return { status: 201, body: { id: request.id, therapistId, client, startsAt, endsAt } };
  },
};

const readTherapist = sql<{ id: string; name: string }>`
  select id, name from therapists where id = $1`;

const readVisits = sql<{ id: string; requestId: string; startsAt: Date; endsAt: Date }>`
  select id, request_id as "requestId", lower(during) as "startsAt", upper(during) as "endsAt"
  from visits where therapist_id = $1 order by during, id`;

const show: Route = {
  method: 'get',
  path: '/therapists/:id',
  title: 'Show a therapist with all visits',
  async handle({ params }, query) {
    const therapistId = parse(idParams, params).id;
    const [therapist] = await query(readTherapist, [therapistId]);
    if (!therapist) throw new NotFound(`there is no therapist ${therapistId}`);
    const visits = await query(readVisits, [therapistId]);
    return { status: 200, body: { ...therapist, visits } };
  },
};

export const routes: readonly Route[] = [newTherapist, newRequest, show];
