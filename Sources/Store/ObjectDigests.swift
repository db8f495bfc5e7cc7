package import DirectoryModel
package import Identifiers
package import Replication

extension StoreSnapshot {
    /// A digest of each object's stamped state, ascending by objectGUID.
    ///
    /// What is hashed of an object: its attributes by ascending OID (OID, stamp, value set), then its present
    /// link values by attribute and target. Absent link values and an object's local USNs are not in it. An
    /// object with a stamp that `settled` does not cover has no digest. A restriction leaves what a partial
    /// replica with those attributes can hold.
    package func objectDigests(
        of namingContext: GUID,
        restrictedTo restriction: Set<OID>?,
        settledUnder settled: UpToDatenessVector
    ) throws -> [ObjectDigest] {
        let context = try self.namingContext(namingContext)
        return try objects.guids(in: context.id).compactMap { guid in
            guard let body = try objects.body(of: guid) else { return nil }
            return try digest(of: guid, body, restriction, settled)
        }
    }

    private func digest(
        of guid: GUID,
        _ body: ObjectBody,
        _ restriction: Set<OID>?,
        _ settled: UpToDatenessVector
    ) throws -> ObjectDigest {
        let attributes = try body.attributes.map { (try attributeIDs.oid(of: $0.id, in: db), $0) }
            .filter { Self.isDumped($0.0, restriction) }.sorted { $0.0 < $1.0 }
        let links = try links.rows(of: guid).map { (try attributeIDs.oid(of: $0.attribute, in: db), $0) }
            .filter { Self.isDumped($0.0, restriction) }.sorted { ($0.0, $0.1.target) < ($1.0, $1.1.target) }
        var unhashed = ByteWriter(reservingOctets: 2_048)
        unhashed.guid(guid)
        var isSettled = true
        for (oid, attribute) in attributes {
            isSettled = isSettled && settled.covers(attribute.stamp)
            unhashed.oid(oid)
            unhashed.stamp(attribute.stamp)
            unhashed.valueSet(attribute.valueSet)
        }
        for (oid, row) in links {
            isSettled = isSettled && settled.covers(row.stamp.stamp)
            guard row.isPresent else { continue }
            unhashed.oid(oid)
            unhashed.guid(row.target)
            unhashed.timestamp(row.stamp.created)
            unhashed.stamp(row.stamp.stamp)
        }
        let hash = sha256(unhashed.octets).prefix(ObjectDigest.octets).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        return ObjectDigest(
            objectGUID: guid,
            digest: isSettled ? hash : nil,
            isTombstone: body.isMarkedDeleted
        )
    }
}

extension ByteWriter {
    fileprivate mutating func stamp(_ stamp: Stamp) {
        varint(UInt64(stamp.version))
        timestamp(stamp.time)
        guid(stamp.invocationID)
        usn(stamp.originatingUSN)
    }
}
