/** The Gregorian calendar by arithmetic alone, for those who may not ask the machine for the time. */

// Years are counted from 1 March, so that the leap day is the last of its year and months follow a pattern of
// 153 days in five; 400 such years have 146,097 days.
const CYCLE_DAYS = 146_097;
/** Days from 1 March of year 0 to 1 January 1970. */
const TO_1970 = 719_468;

/** Days since 1970-01-01 of a date in the Gregorian calendar. */
export function dayNumber(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const cycle = Math.floor(y / 400);
  const yearOfCycle = y - cycle * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    cycle * CYCLE_DAYS +
    yearOfCycle * 365 +
    Math.floor(yearOfCycle / 4) -
    Math.floor(yearOfCycle / 100) +
    dayOfYear -
    TO_1970
  );
}

/** The date of a day number. */
export function civil(days: number): { year: number; month: number; day: number } {
  const shifted = days + TO_1970;
  const cycle = Math.floor(shifted / CYCLE_DAYS);
  const dayOfCycle = shifted - cycle * CYCLE_DAYS;
  const leapDays = Math.floor(dayOfCycle / 1460) - Math.floor(dayOfCycle / 36_524) + Math.floor(dayOfCycle / 146_096);
  const yearOfCycle = Math.floor((dayOfCycle - leapDays) / 365);
  const dayOfYear = dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return { year: cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, day };
}
