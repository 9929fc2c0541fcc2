/** By which a button is found again after its command moved. */
export const moveButtonId = (key: string, by: number): string => `${key}-${by < 0 ? 'up' : 'down'}`
