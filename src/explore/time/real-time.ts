/** Real time in milliseconds, whatever an actor is made to believe. */
export const realNow = performance.now.bind(performance);
