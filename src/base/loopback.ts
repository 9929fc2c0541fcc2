const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/** Whether what listens on this host is reached from this machine only. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host)
