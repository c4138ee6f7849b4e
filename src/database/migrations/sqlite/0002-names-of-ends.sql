-- Version 2: an end has one name everywhere, that of its statistic (shape/ends.ts). Rows of version 1 keep the names that
-- they were written with: rewriting a large table would hold up the writer for minutes. The report and qos explain read
-- both; this table gives the present name of an earlier one to statements of people's own. It can run again.

CREATE TABLE IF NOT EXISTS qos_former_endings (
  former TEXT PRIMARY KEY,
  ending TEXT NOT NULL
) WITHOUT ROWID;

INSERT OR IGNORE INTO qos_former_endings (former, ending) VALUES
  ('non-ipv4', 'nonIpv4'),
  ('invalid-size', 'invalidMetaSize'),
  ('discarded', 'invalidPacketData'),
  ('malformed', 'failedView'),
  ('unsanitary', 'failedSanitize'),
  ('recently-processed', 'recentlyProcessed'),
  ('duplicate', 'duplicatePackets'),
  ('copy', 'duplicatePayloads'),
  ('pushed-out', 'leakedPriority'),
  ('confirmed-in-queue', 'recentlyProcessedQueued'),
  ('transmitted', 'bankingTransmissions'),
  ('failed-signature', 'failedSignature'),
  ('not-included', 'notIncluded');
