-- The ids of the audit's keys, in pages. $1: the id to continue after. $2: page size.
select id::text from appointment_requests where id > $1::bigint order by appointment_requests.id limit $2
