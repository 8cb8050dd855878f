// An ordinary handler: it looks whether a slot has room, then books it. Two requests at once both
// find room. `BOOK_UNDER_LOCK=1` is the cure: the slot's row is locked before anybody looks.
import express from 'express';
import { DataTypes, Sequelize } from 'sequelize';

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
const plain = { timestamps: false };
const Slot = sequelize.define(
  'slot',
  { seats: DataTypes.INTEGER },
  { ...plain, tableName: 'slot' },
);
const Booking = sequelize.define(
  'booking',
  { slotId: { type: DataTypes.INTEGER, field: 'slot_id' }, who: DataTypes.TEXT },
  { ...plain, tableName: 'booking' },
);

async function book(slotId, who, transaction) {
  const slot = await Slot.findByPk(slotId, { transaction, lock: transaction?.LOCK.UPDATE });
  const taken = await Booking.count({ where: { slotId }, transaction });
  if (taken >= slot.seats) return false;
  await Booking.create({ slotId, who }, { transaction });
  return true;
}

const app = express();
app.use(express.json());
app.post('/slots/:id/bookings', async (request, response) => {
  const { id } = request.params;
  const { who } = request.body;
  const booked = process.env.BOOK_UNDER_LOCK
    ? await sequelize.transaction(transaction => book(id, who, transaction))
    : await book(id, who);
  response.status(booked ? 201 : 409).json({ booked });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
