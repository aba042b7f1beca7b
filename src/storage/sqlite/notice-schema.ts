/**
 * What was told by mail. `open` is 1 from before a message goes into the spool until it is known to be there. The second
 * index has the replaced certificates that are still to be withdrawn, and nothing else however long the ledger.
 */
export const notices: string = `
  CREATE TABLE notice (
    name TEXT PRIMARY KEY,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    open INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notice_open ON notice (entry) WHERE open = 1;
  CREATE INDEX certificate_overlap ON certificate (overlap_ends)
    WHERE overlap_ends < not_after AND state <> 'revoked';
`;
