/** The part of a UUIDv7 that tells neighbours apart is its end: the beginning is the time. */
export const shortId = (id: string): string => `${id.slice(0, 8)}…${id.slice(-6)}`
