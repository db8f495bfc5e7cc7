import GRDB

/// The layout of the database file.
///
/// One row per object with all values and metadata in one blob (`ObjectBody`): a row per attribute costs five
/// times as much. Only attributes that the schema marks as indexed have rows of their own. What placement
/// computes stands in columns beside the blob, so that it changes without touching stamped state.
enum Tables {
    /// `PRAGMA user_version`: another number is another layout.
    static let version: Int64 = 6

    static let statements = [
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "CREATE TABLE boots(ordinal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, start_usn INTEGER NOT NULL)",
        // What partners' databases showed of themselves, one row a life; state: InvocationKnowledge.
        """
        CREATE TABLE invocations(ordinal INTEGER PRIMARY KEY, dsa BLOB NOT NULL, invocation BLOB NOT NULL,
          state BLOB NOT NULL, UNIQUE(dsa, invocation))
        """,
        """
        CREATE TABLE naming_contexts(id INTEGER PRIMARY KEY, guid BLOB NOT NULL UNIQUE, dn TEXT NOT NULL,
          role INTEGER NOT NULL, is_partial INTEGER NOT NULL)
        """,
        "CREATE TABLE attribute_ids(id INTEGER PRIMARY KEY, oid BLOB NOT NULL UNIQUE)",
        // rdn: NameValue's octets after the parent. name_stamp: StampOctets. flags: ObjectFlags. arrived, age_mark: when
        // the deletion came here, by the system's clock and by the AgeClock.
        """
        CREATE TABLE objects(id INTEGER PRIMARY KEY, guid BLOB NOT NULL UNIQUE, nc INTEGER NOT NULL,
          usn INTEGER NOT NULL, created_usn INTEGER NOT NULL, parent BLOB NOT NULL, rdn BLOB NOT NULL,
          rdn_key BLOB NOT NULL, name_stamp BLOB NOT NULL, placed_parent BLOB, standing INTEGER NOT NULL,
          flags INTEGER NOT NULL, arrived INTEGER, age_mark INTEGER, body BLOB NOT NULL)
        """,
        "CREATE INDEX objects_changes ON objects(nc, usn)",
        "CREATE INDEX objects_placed ON objects(placed_parent, rdn_key) WHERE placed_parent IS NOT NULL",
        // The few that do not stand where their stamp says: with objects_placed they make an index on parent.
        """
        CREATE INDEX objects_elsewhere ON objects(parent)
          WHERE placed_parent IS NULL OR placed_parent <> parent
        """,
        "CREATE INDEX objects_dead ON objects(nc, age_mark) WHERE age_mark IS NOT NULL",
        "CREATE INDEX objects_odd ON objects(nc, standing) WHERE standing <> 2 OR flags <> 0",
        """
        CREATE TABLE links(source BLOB NOT NULL, attribute INTEGER NOT NULL, target BLOB NOT NULL,
          nc INTEGER NOT NULL, usn INTEGER NOT NULL, is_present INTEGER NOT NULL, created INTEGER NOT NULL,
          stamp BLOB NOT NULL, age_mark INTEGER, PRIMARY KEY(source, attribute, target)) WITHOUT ROWID
        """,
        "CREATE INDEX links_changes ON links(nc, usn)",
        "CREATE INDEX links_dead ON links(nc, age_mark) WHERE age_mark IS NOT NULL",
        "CREATE INDEX links_back ON links(target, attribute)",
        """
        CREATE TABLE attribute_index(attribute INTEGER NOT NULL, value BLOB NOT NULL, object INTEGER NOT NULL,
          PRIMARY KEY(attribute, value, object)) WITHOUT ROWID
        """,
        // Held here, and during a resync not yet seen at the source.
        "CREATE TABLE unseen_objects(guid BLOB PRIMARY KEY, nc INTEGER NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE unseen_links(source BLOB NOT NULL, attribute INTEGER NOT NULL, target BLOB NOT NULL,
          nc INTEGER NOT NULL, PRIMARY KEY(source, attribute, target)) WITHOUT ROWID
        """,
        """
        CREATE TABLE lingering(nc INTEGER NOT NULL, object BLOB NOT NULL, source BLOB NOT NULL,
          invocation BLOB NOT NULL, first_usn INTEGER NOT NULL, last_usn INTEGER NOT NULL, since INTEGER NOT NULL,
          PRIMARY KEY(nc, source, object)) WITHOUT ROWID
        """,
        // Local USNs that a part took, and how it came: PartOrigin.
        """
        CREATE TABLE part_origins(ordinal INTEGER PRIMARY KEY, first_usn INTEGER NOT NULL UNIQUE,
          last_usn INTEGER NOT NULL, record BLOB NOT NULL)
        """,
        // lost: an ObjectBody of the losing write. target: zero for an attribute.
        """
        CREATE TABLE conflicts(id INTEGER PRIMARY KEY, object BLOB NOT NULL, attribute INTEGER NOT NULL,
          target BLOB NOT NULL, nc INTEGER NOT NULL, loser BLOB NOT NULL, winner BLOB NOT NULL,
          lost BLOB NOT NULL, source BLOB NOT NULL, found INTEGER NOT NULL, octets INTEGER NOT NULL)
        """,
        // In the order of the losing writes, which is nearly that in which they are found: new entries go side by side.
        "CREATE UNIQUE INDEX conflicts_writes ON conflicts(loser, attribute, object, target)",
        """
        CREATE TABLE held_parts(nc BLOB NOT NULL, source BLOB NOT NULL, invocation BLOB NOT NULL,
          from_usn INTEGER NOT NULL, to_usn INTEGER NOT NULL, as_of INTEGER NOT NULL, code TEXT NOT NULL,
          sentence TEXT NOT NULL, digest BLOB NOT NULL, first_seen INTEGER NOT NULL,
          last_seen INTEGER NOT NULL, times INTEGER NOT NULL, decision INTEGER NOT NULL, decided INTEGER,
          decided_by TEXT NOT NULL, PRIMARY KEY(nc, source, invocation, from_usn)) WITHOUT ROWID
        """,
        "CREATE TABLE destinations(nc BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID",
    ]

    /// Makes the tables of a new file, or checks that a file has this layout.
    static func prepare(_ db: Database, path: String) throws {
        let found = try Query("PRAGMA user_version", in: db).first { $0.integer(0) } ?? 0
        let tables = try Query("SELECT count(*) FROM sqlite_master", in: db).first { $0.integer(0) } ?? 0
        guard found != version else { return }
        guard found == 0 else { throw StoreError.otherVersion(found: found, expected: version) }
        guard tables == 0 else { throw StoreError.notADirectoryDatabase(path: path) }
        for statement in statements { try db.execute(sql: statement) }
        try AttributeIDs.insertWellKnown(in: db)
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }
}
