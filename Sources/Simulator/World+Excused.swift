import DirectoryModel
import Identifiers
import Replication
import Store

/// Lines of a canonical dump that another replica may lack: what it has collected, and this one has not yet.
///
/// Tombstones live from their arrival here on, so that replicas collect them at different times. Only what the other
/// says itself to have collected is set aside; a tombstone that both hold must be the same.
private struct ExcusedLines {
    private let tombstones: Set<String>
    private let links: Set<String>

    /// Lines that `store` has and `other` lacks.
    init(_ lines: Set<String>, of context: GUID, at store: DirectoryStore, lackedBy other: DirectoryStore)
        async throws
    {
        let dead = try await store.snapshot { try $0.tombstones(of: context) }
        tombstones = try await other.snapshot { snapshot in
            let collected = try dead.filter {
                try snapshot.wasCollected(object: $0.objectGUID, deletion: $0.deletion, in: context)
            }
            return Set(collected.map { "\($0.objectGUID)" })
        }
        links = try await other.snapshot { snapshot in
            try lines.filter { line in
                guard let (link, attribute) = Self.absentLink(line) else { return false }
                return try snapshot.wasCollected(link: link, attribute: attribute, in: context)
            }
        }
    }

    func contains(_ line: String) -> Bool {
        // An object's lines begin with its GUID, where it stands with the naming context's.
        links.contains(line)
            || line.split(separator: " ").prefix(2).contains { tombstones.contains(String($0)) }
    }

    private static func absentLink(_ line: String) -> (ReplicatedLink, OID)? {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 5, words[4] == "absent", let source = GUID(words[0]),
            let target = GUID(words[2]),
            let attribute = OID(words[1])
        else { return nil }
        let fields = words[3].split(separator: "/").map(String.init)
        guard fields.count == 5, let created = Int64(fields[0]), let version = UInt32(fields[1]),
            let time = Int64(fields[2]), let invocationID = GUID(fields[3]), let usn = Int64(fields[4])
        else { return nil }
        let stamp = Stamp(
            version: version,
            time: Timestamp(seconds: time),
            invocationID: invocationID,
            originatingUSN: USN(usn)
        )
        let link = ReplicatedLink(
            source: source,
            attribute: 0,
            target: target,
            stamp: LinkStamp(created: Timestamp(seconds: created), stamp: stamp),
            isPresent: false
        )
        return (link, attribute)
    }
}

extension World {
    /// What a replica has and another lacks, sorted, without what that one has collected.
    func unexcused(
        _ lines: Set<String>,
        _ context: GUID,
        _ store: DirectoryStore,
        _ other: DirectoryStore
    ) async throws -> [String] {
        guard !lines.isEmpty else { return [] }
        let excused = try await ExcusedLines(lines, of: context, at: store, lackedBy: other)
        return lines.filter { !excused.contains($0) }.sorted()
    }
}
