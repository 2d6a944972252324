-- The form of a survey's database, version 1 (user_version). docs/surveys.md says what the views have.
-- A file is used only if it has exactly this: a change here, even of a comment within a statement, is a new version.

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  list TEXT NOT NULL,            -- what the list is called
  list_digest TEXT NOT NULL,     -- sha256 over its packages
  options TEXT NOT NULL,         -- what could change an answer, as JSON
  version TEXT NOT NULL,         -- of the program
  began TEXT NOT NULL,           -- RFC 3339, UTC
  ended TEXT                     -- null while packages wait
);

CREATE TABLE package (
  run INTEGER NOT NULL REFERENCES run (id),
  place INTEGER NOT NULL,        -- in the list, from 0
  spec TEXT NOT NULL,            -- as the list has it
  needs_build INTEGER NOT NULL DEFAULT 0,
  repository TEXT,               -- where the first pass found its source
  source_commit TEXT,
  cost_ms INTEGER,               -- what the first pass took
  PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX package_by_spec ON package (spec);
CREATE INDEX package_for_build ON package (run) WHERE needs_build;

CREATE TABLE result (
  id INTEGER PRIMARY KEY,        -- in the order in which packages were done
  run INTEGER NOT NULL,
  place INTEGER NOT NULL,
  name TEXT,
  version TEXT,
  verdict TEXT NOT NULL,
  code TEXT,
  reproduced INTEGER NOT NULL,
  strategy TEXT,
  has_provenance INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  done TEXT NOT NULL,
  is_error INTEGER NOT NULL,
  is_passing INTEGER NOT NULL,   -- a host that was away, or this machine: a later run asks again
  document TEXT NOT NULL,        -- the result or the failure as JSON; logs and the diff are null here and stand in files
  UNIQUE (run, place),
  FOREIGN KEY (run, place) REFERENCES package (run, place)
);

CREATE INDEX result_passing ON result (run) WHERE is_passing;

CREATE TABLE file (
  result INTEGER NOT NULL REFERENCES result (id),
  pointer TEXT NOT NULL,         -- where in the document, as a JSON pointer
  sha256 TEXT NOT NULL,          -- the file's name in the folder beside
  PRIMARY KEY (result, pointer)
) WITHOUT ROWID;

CREATE VIEW runs AS
SELECT r.id AS run, r.list, r.version, r.options, r.began, r.ended,
  (SELECT count(*) FROM package p WHERE p.run = r.id) AS packages,
  (SELECT count(*) FROM result d WHERE d.run = r.id) AS done,
  (SELECT count(*) FROM package p WHERE p.run = r.id AND p.needs_build
    AND NOT EXISTS (SELECT 1 FROM result d WHERE d.run = p.run AND d.place = p.place)) AS waiting_for_build
FROM run r;

CREATE VIEW verdicts AS
SELECT d.run, p.spec, d.name, d.version, d.verdict, d.code, d.reproduced, d.strategy, d.has_provenance, d.duration_ms, d.done
FROM result d JOIN package p ON p.run = d.run AND p.place = d.place;

CREATE VIEW attempts AS
SELECT d.run, p.spec, a.key + 1 AS number, a.value ->> '$.strategy' AS strategy, a.value ->> '$.commit' AS source_commit,
  a.value ->> '$.verdict' AS verdict, a.value ->> '$.code' AS code, a.value ->> '$.filesMatched' AS files_matched
FROM result d JOIN package p ON p.run = d.run AND p.place = d.place, json_each(d.document, '$.attempts') a;

CREATE VIEW findings AS
SELECT d.run, p.spec, f.value ->> '$.code' AS code, f.value ->> '$.severity' AS severity, f.value ->> '$.path' AS path,
  f.value ->> '$.message' AS message
FROM result d JOIN package p ON p.run = d.run AND p.place = d.place, json_each(d.document, '$.findings') f;
