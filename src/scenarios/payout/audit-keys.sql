-- The ids of the audit's keys, in pages. $1: the id to continue after. $2: page size.
select id::text from invoices where id > $1::bigint order by invoices.id limit $2
