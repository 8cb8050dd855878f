-- The ids by which the audit knows its keys, in pages. $1: the id after which to go on. $2: how many.
select id::text from wallets where id > $1::bigint order by wallets.id limit $2
