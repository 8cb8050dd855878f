import { z } from 'zod';
import { NotFound, type Route, sql } from '../../contract/index.ts';
import { id, idParams, parse } from '../input.ts';

const newRequest = z
  .strictObject({
    client: z.string().min(1).max(200),
    therapistsNeeded: z.number().int().min(1).max(2).default(1),
    therapistIds: z.array(id).min(1).max(50),
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

const create: Route = {
  method: 'post',
  path: '/appointment-requests',
  title: 'Create an appointment request and offer it to therapists',
  async handle({ body }, query) {
    const { client, therapistsNeeded, therapistIds } = parse(newRequest, body);
    const [request] = await query(createRequest, [client, therapistsNeeded]);
    if (!request) throw new Error('insert returned no row');
    const offers = await query(createOffers, [request.id, therapistIds]);
    await query(createPlaces, [request.id, therapistsNeeded]);
    return { status: 201, body: { id: request.id, client, therapistsNeeded, offers } };
  },
};

const readRequest = sql<{ id: string; client: string; therapistsNeeded: number }>`
  select id, client, therapists_needed as "therapistsNeeded"
  from appointment_requests where id = $1`;

const readOffers = sql<{ id: string; therapistId: string; status: string }>`
  select id, therapist_id as "therapistId", status
  from appointment_offers where request_id = $1 order by id`;

const readAppointments = sql<{ id: string; offerId: string; therapistId: string }>`
  select id, offer_id as "offerId", therapist_id as "therapistId"
  from appointments where request_id = $1 order by id`;

const show: Route = {
  method: 'get',
  path: '/appointment-requests/:id',
  title: 'Show an appointment request with its offers and appointments',
  async handle({ params }, query) {
    const requestId = parse(idParams, params).id;
    const [request] = await query(readRequest, [requestId]);
    if (!request) throw new NotFound(`there is no appointment request ${requestId}`);
    const offers = await query(readOffers, [requestId]);
    const appointments = await query(readAppointments, [requestId]);
    return { status: 200, body: { ...request, offers, appointments } };
  },
};

export const routes: readonly Route[] = [create, show];
