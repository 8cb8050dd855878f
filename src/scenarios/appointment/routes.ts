import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, text } from '../input.ts';
import { getRoute, noParams, postRoute } from '../route.ts';

const needed = z.int().min(1).max(2);

const newRequest = z
  .strictObject({
    client: text,
    therapistsNeeded: needed.default(1),
    therapistIds: z.array(id).min(1).max(50).meta({ uniqueItems: true }),
  })
  .refine(body => new Set(body.therapistIds).size === body.therapistIds.length, {
    path: ['therapistIds'],
    message: 'must not name a therapist twice',
  })
  .refine(body => body.therapistIds.length >= body.therapistsNeeded, {
    path: ['therapistIds'],
    message: 'must name at least as many therapists as are needed',
  });

const createRequest = sql<{ id: string }>`
  insert into appointment_requests (client, therapists_needed) values ($1, $2) returning id`;

const createOffers = sql<{ id: string; therapistId: string }>`
  insert into appointment_offers (request_id, therapist_id)
  select $1, unnest($2::bigint[]) returning id, therapist_id as "therapistId"`;

const createPlaces = sql<{ id: string }>`
  insert into appointment_places (request_id) select $1 from generate_series(1, $2::integer)`;

const request = z.strictObject({ id, client: text, therapistsNeeded: needed });
const offer = z.strictObject({ id, therapistId: id });

const create = postRoute({
  path: '/appointment-requests',
  title: 'Create an appointment request and offer it to therapists',
  params: noParams,
  body: newRequest,
  status: 201,
  answer: request.extend({ offers: z.array(offer).readonly() }),
  example: {
    body: { client: 'ann', therapistsNeeded: 1, therapistIds: ['7', '8'] },
    answer: {
      ...{ id: '1', client: 'ann', therapistsNeeded: 1 },
      offers: [
        { id: '1', therapistId: '7' },
        { id: '2', therapistId: '8' },
      ],
    },
  },
  async handle({ body: { client, therapistsNeeded, therapistIds } }, query) {
    const [made] = await query(createRequest, [client, therapistsNeeded]);
    if (!made) throw new Error('insert returned no row');
    const offers = await query(createOffers, [made.id, therapistIds]);
    await query(createPlaces, [made.id, therapistsNeeded]);
    return { id: made.id, client, therapistsNeeded, offers };
  },
});

const readRequest = sql<z.infer<typeof request>>`
  select id, client, therapists_needed as "therapistsNeeded"
  from appointment_requests where id = $1`;

const answeredOffer = offer.extend({ status: z.enum(['pending', 'accepted', 'expired']) });

const readOffers = sql<z.infer<typeof answeredOffer>>`
  select id, therapist_id as "therapistId", status
  from appointment_offers where request_id = $1 order by id`;

const appointment = z.strictObject({ id, offerId: id, therapistId: id });

const readAppointments = sql<z.infer<typeof appointment>>`
  select id, offer_id as "offerId", therapist_id as "therapistId"
  from appointments where request_id = $1 order by id`;

const show = getRoute({
  path: '/appointment-requests/:id',
  title: 'Show an appointment request with its offers and appointments',
  params: idParams,
  answer: request.extend({
    offers: z.array(answeredOffer).readonly(),
    appointments: z.array(appointment).readonly(),
  }),
  example: {
    params: { id: '1' },
    answer: {
      ...{ id: '1', client: 'ann', therapistsNeeded: 1 },
      offers: [
        { id: '1', therapistId: '7', status: 'accepted' },
        { id: '2', therapistId: '8', status: 'expired' },
      ],
      appointments: [{ id: '1', offerId: '1', therapistId: '7' }],
    },
  },
  async handle({ id: requestId }, query) {
    const [found] = await query(readRequest, [requestId]);
    if (!found) throw new NotFound(`there is no appointment request ${requestId}`);
    const offers = await query(readOffers, [requestId]);
    const appointments = await query(readAppointments, [requestId]);
    return { ...found, offers, appointments };
  },
});

export const routes: readonly Route[] = [create, show];
