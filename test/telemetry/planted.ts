import type pg from 'pg';

/** A request for one therapist that has `appointments` of them, its other offers expired. */
export async function plant(client: pg.Client, appointments: number): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `with request as (
       insert into appointment_requests (client, therapists_needed) values ('planted', 1) returning id
     ), offers as (
       insert into appointment_offers (request_id, therapist_id, status)
       select id, therapist, 'accepted' from request, generate_series(1, $1::integer) as therapist
       returning id, request_id, therapist_id
     ), booked as (
       insert into appointments (request_id, offer_id, therapist_id, command_id)
       select request_id, id, therapist_id, gen_random_uuid() from offers
     )
     select id from request`,
    [appointments],
  );
  return rows[0]?.id ?? '';
}

/** One more therapist gets the appointment. */
export async function plantOneMore(
  client: pg.Client,
  request: string,
  therapist: number,
): Promise<void> {
  await client.query(
    `with offer as (
       insert into appointment_offers (request_id, therapist_id, status)
       values ($1, $2, 'accepted') returning id
     )
     insert into appointments (request_id, offer_id, therapist_id, command_id)
     select $1, id, $2, gen_random_uuid() from offer`,
    [request, therapist],
  );
}
