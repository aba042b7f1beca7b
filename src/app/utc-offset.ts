/** Minutes that local time is ahead of UTC at a moment, by the machine's time zone. */
export function utcOffset(at: number): number {
  return -new Date(at).getTimezoneOffset();
}
