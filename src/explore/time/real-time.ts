/** Real time in milliseconds, independent of any actor's clock. */
export const realNow = performance.now.bind(performance);
