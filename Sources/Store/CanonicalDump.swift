package import DirectoryModel
package import Identifiers
import Replication

extension StoreSnapshot {
    /// Writes the stamped state of one replica as the lines of a canonical dump, without their line feeds.
    ///
    /// Lines of objects and link values are sorted by octets, those of the vector follow. A restriction leaves
    /// these attributes, name, objectClass and isDeleted: what a partial replica can hold.
    package func canonicalDump(
        of namingContext: GUID,
        restrictedTo: Set<OID>? = nil,
        _ line: (String) throws -> Void
    ) throws {
        let context = try self.namingContext(namingContext)
        let linkSources = try Query("SELECT DISTINCT source FROM links WHERE nc = ?", in: db)
            .all(.integer(context.id)) { try $0.guid(0) }
        let held = try objects.guids(in: context.id)
        // Every line begins with a GUID, so one GUID after another is the order of the whole.
        for guid in Set(held + linkSources + [context.guid]).sorted() {
            var lines = try attributeLines(of: guid, restrictedTo) + linkLines(of: guid, restrictedTo)
            if guid == context.guid { lines += try nameLines(of: held, in: context) }
            for text in lines.sorted(by: Self.isBefore) { try line(text) }
        }
        let vector = try vector(of: namingContext, at: .epoch).sorted
        let lines = vector.map { CanonicalDump.vector($0.invocationID, $0.entry.usn) }
        for text in lines.sorted(by: Self.isBefore) { try line(text) }
    }

    private func nameLines(of guids: [GUID], in context: HeldNamingContext) throws -> [String] {
        try guids.compactMap { guid in
            guard let row = try objects.row(guid) else { return nil }
            return CanonicalDump.name(
                namingContext: context.guid,
                objectGUID: guid,
                parent: row.node.parent,
                stamp: row.node.nameStamp
            )
        }
    }

    private func attributeLines(of guid: GUID, _ restriction: Set<OID>?) throws -> [String] {
        guard let body = try objects.body(of: guid) else { return [] }
        var lines: [String] = []
        for attribute in body.attributes {
            let oid = try attributeIDs.oid(of: attribute.id, in: db)
            guard Self.isDumped(oid, restriction) else { continue }
            let digest = sha256(CanonicalDump.hashedOctets(of: attribute.values))
            lines.append(
                CanonicalDump.attribute(
                    objectGUID: guid,
                    attribute: oid,
                    stamp: attribute.stamp,
                    digest: digest
                )
            )
        }
        return lines
    }

    private func linkLines(of source: GUID, _ restriction: Set<OID>?) throws -> [String] {
        var lines: [String] = []
        for row in try links.rows(of: source) {
            let oid = try attributeIDs.oid(of: row.attribute, in: db)
            guard Self.isDumped(oid, restriction) else { continue }
            let link = ReplicatedLink(
                source: source,
                attribute: 0,
                target: row.target,
                stamp: row.stamp,
                isPresent: row.isPresent
            )
            lines.append(CanonicalDump.link(link, attribute: oid))
        }
        return lines
    }

    static func isDumped(_ oid: OID, _ restriction: Set<OID>?) -> Bool {
        guard let restriction else { return true }
        return restriction.contains(oid) || oid == .name || oid == .objectClass || oid == .isDeleted
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
