-- A UUIDv7 (RFC 9562) of a given instant: 48 bits of milliseconds, 12 bits of the fraction of the millisecond, 62 random bits.
-- The database makes the ids, because time is the database's: replicas' clocks differ. PostgreSQL has uuidv7() only from 18 on.
CREATE FUNCTION uuid_v7(at timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(
    set_byte(
      set_byte(
        overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(micros / 1000) FROM 3) FROM 1 FOR 6),
        6, (112 | (fraction >> 8))::int),
      7, (fraction & 255)::int),
    'hex')::uuid
  FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS micros) AS instant,
       LATERAL (SELECT (micros % 1000) * 4096 / 1000 AS fraction) AS millisecond
$$;
