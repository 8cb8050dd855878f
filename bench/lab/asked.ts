/** Of more contested keys a sample of this size is asked again; the k6 script has the same. */
export const askedMax = 200;
