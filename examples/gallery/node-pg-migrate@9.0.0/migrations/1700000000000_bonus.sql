-- Up Migration
update account set cents = cents + 100;
-- Down Migration
update account set cents = cents - 100;
