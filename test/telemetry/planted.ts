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

/** A gift card that was never used. */
export async function plantCard(client: pg.Client, cents: number): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'insert into gift_cards (initial_cents, balance_cents) values ($1, $1) returning id',
    [cents],
  );
  return rows[0]?.id ?? '';
}

/** A debit that is in the ledger and that the balance does not know. */
export async function plantLostDebit(client: pg.Client, card: string, cents: number) {
  await client.query(
    `insert into gift_card_debits (card_id, amount_cents, command_id)
     values ($1, $2, gen_random_uuid())`,
    [card, cents],
  );
}

/** One command debits the card twice, and all adds up. */
export async function plantTwice(client: pg.Client, card: string, cents: number) {
  await client.query(
    `with command as (
       select gen_random_uuid() as id
     ), debits as (
       insert into gift_card_debits (card_id, amount_cents, command_id)
       select $1, $2, id from command, generate_series(1, 2)
     )
     update gift_cards set balance_cents = balance_cents - 2 * $2 where id = $1`,
    [card, cents],
  );
}
