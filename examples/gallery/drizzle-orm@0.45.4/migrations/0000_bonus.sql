update account set cents = cents + 100;
